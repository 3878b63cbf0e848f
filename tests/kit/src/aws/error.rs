//! AWS errors in the shape of each protocol, and what each service calls the common ones.

use serde_json::{Map, Value, json};

use super::xml::Element;

/// How a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Form in, XML out, errors below `Response`.
    Ec2,
    /// Form in, XML out, errors below `ErrorResponse`.
    Query,
    /// `X-Amz-Target` and JSON.
    Json,
    /// Method, path and JSON.
    Rest,
    /// Method, path and XML, errors without a root around them.
    S3,
}

impl Protocol {
    /// The protocol of a service by its signing name.
    pub(crate) fn of(service: &str) -> Self {
        match service {
            "ec2" => Self::Ec2,
            "iam"
            | "sts"
            | "rds"
            | "sns"
            | "elasticache"
            | "elasticloadbalancing"
            | "autoscaling"
            | "cloudformation" => Self::Query,
            "eks" => Self::Rest,
            "s3" => Self::S3,
            _ => Self::Json,
        }
    }
}

/// An error as AWS would answer it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AwsError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// Further members of a modelled error (`clusterName`, …).
    pub(crate) fields: Map<String, Value>,
}

impl AwsError {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), fields: Map::new() }
    }

    pub(crate) fn with(mut self, field: &str, value: &str) -> Self {
        self.fields.insert(field.into(), Value::String(value.into()));
        self
    }

    /// The error as an answer of this service.
    pub(crate) fn reply(&self, service: &str) -> Reply {
        let request = request_id();
        let (content_type, body) = match Protocol::of(service) {
            Protocol::Ec2 => ("text/xml", self.ec2(&request)),
            Protocol::Query => ("text/xml", self.query(service, &request)),
            Protocol::Json => ("application/x-amz-json-1.0", self.json(true)),
            Protocol::Rest => ("application/json", self.json(false)),
            Protocol::S3 => ("application/xml", self.s3(&request)),
        };
        let mut reply = Reply::new(self.status, content_type, body);
        reply.headers.push(("x-amzn-errortype".into(), self.code.clone()));
        reply.headers.push(("x-amzn-requestid".into(), request));
        reply.error = Some((self.code.clone(), self.message.clone()));
        reply
    }

    fn s3(&self, request: &str) -> String {
        let parts = vec![
            Element::leaf("Code", &self.code),
            Element::leaf("Message", &self.message),
            Element::leaf("RequestId", request),
        ];
        Element::node("Error", parts).document()
    }

    fn ec2(&self, request: &str) -> String {
        let error = Element::node(
            "Error",
            vec![Element::leaf("Code", &self.code), Element::leaf("Message", &self.message)],
        );
        let errors = Element::node("Errors", vec![error]);
        Element::node("Response", vec![errors, Element::leaf("RequestID", request)]).document()
    }

    fn query(&self, service: &str, request: &str) -> String {
        let side = if self.status < 500 { "Sender" } else { "Receiver" };
        let error = Element::node(
            "Error",
            vec![
                Element::leaf("Type", side),
                Element::leaf("Code", &self.code),
                Element::leaf("Message", &self.message),
            ],
        );
        Element::node("ErrorResponse", vec![error, Element::leaf("RequestId", request)])
            .in_namespace(namespace(service))
            .document()
    }

    fn json(&self, namespaced: bool) -> String {
        let kind = match namespaced {
            true => format!("com.amazon.coral.service#{}", self.code),
            false => self.code.clone(),
        };
        let mut body = self.fields.clone();
        body.insert("__type".into(), json!(kind));
        body.insert("message".into(), json!(self.message));
        Value::Object(body).to_string()
    }
}

/// An answer, before it is put on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Code and message when it is an error, or when what was accepted is bound to fail.
    pub(crate) error: Option<(String, String)>,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".into(), content_type.into())];
        Self { status, headers, body: body.into(), error: None }
    }

    /// A successful XML answer of a form-based service: `<ActionResponse>` with its result.
    pub(crate) fn query(service: &str, action: &str, result: Vec<Element>) -> Self {
        let request = Element::leaf("RequestId", request_id());
        let children = vec![
            Element::node(&format!("{action}Result"), result),
            Element::node("ResponseMetadata", vec![request]),
        ];
        let root = Element::node(&format!("{action}Response"), children);
        Self::new(200, "text/xml", root.in_namespace(namespace(service)).document())
    }

    /// A successful XML answer of EC2, which has no result wrapper.
    pub(crate) fn ec2(action: &str, mut result: Vec<Element>) -> Self {
        result.insert(0, Element::leaf("requestId", request_id()));
        let root = Element::node(&format!("{action}Response"), result);
        Self::new(200, "text/xml", root.in_namespace(namespace("ec2")).document())
    }

    /// A successful JSON answer.
    pub(crate) fn json(value: &Value) -> Self {
        Self::new(200, "application/json", value.to_string())
    }

    /// The body as XML, when it is that.
    pub(crate) fn xml(&self) -> Option<Element> {
        std::str::from_utf8(&self.body).ok().and_then(|text| Element::parse(text).ok())
    }

    /// The error in the body of a forwarded answer, whatever its protocol.
    pub(crate) fn find_error(&self) -> Option<(String, String)> {
        if self.status < 400 {
            return None;
        }
        let from_json = |value: &Value| {
            let text = |key: &str| value.get(key).and_then(Value::as_str);
            let kind = text("__type").or_else(|| text("code"))?;
            let message = text("message").or_else(|| text("Message")).unwrap_or_default();
            Some((kind.rsplit('#').next().unwrap_or(kind).to_owned(), message.to_owned()))
        };
        let json = || serde_json::from_slice(&self.body).ok().as_ref().and_then(from_json);
        let xml = || {
            let root = self.xml()?;
            let code = root.find_text("Code").or_else(|| root.text("Code"))?.to_owned();
            Some((code, root.find_text("Message").unwrap_or_default().to_owned()))
        };
        xml().or_else(json).or_else(|| Some((format!("Http{}", self.status), String::new())))
    }
}

/// A request id that no other answer has.
pub(crate) fn request_id() -> String {
    let id = format!("{:032x}", rand::random::<u128>());
    format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..])
}

fn namespace(service: &str) -> &'static str {
    match service {
        "ec2" => "http://ec2.amazonaws.com/doc/2016-11-15/",
        "iam" => "https://iam.amazonaws.com/doc/2010-05-08/",
        "sts" => "https://sts.amazonaws.com/doc/2011-06-15/",
        _ => "https://aws.amazonaws.com/doc/",
    }
}

/// The caller may not do this, in the service's words.
pub(crate) fn denied(service: &str, caller: &str, action: &str, resource: &str) -> AwsError {
    let message = format!(
        "User: {caller} is not authorized to perform: {action} on resource: {resource} because \
         no identity-based policy allows the {action} action"
    );
    match Protocol::of(service) {
        Protocol::Ec2 => AwsError::new(
            403,
            "UnauthorizedOperation",
            format!("You are not authorized to perform this operation. {message}"),
        ),
        Protocol::Query | Protocol::S3 => AwsError::new(403, "AccessDenied", message),
        Protocol::Json => AwsError::new(400, "AccessDeniedException", message),
        Protocol::Rest => AwsError::new(403, "AccessDeniedException", message),
    }
}

/// The access key is not known, in the service's words.
pub(crate) fn unknown_key(service: &str) -> AwsError {
    let message = "The security token included in the request is invalid.";
    match Protocol::of(service) {
        Protocol::Ec2 => AwsError::new(
            401,
            "AuthFailure",
            "AWS was not able to validate the provided access credentials",
        ),
        Protocol::Query => AwsError::new(403, "InvalidClientTokenId", message),
        Protocol::S3 => AwsError::new(403, "InvalidAccessKeyId", message),
        Protocol::Json => AwsError::new(400, "UnrecognizedClientException", message),
        Protocol::Rest => AwsError::new(403, "UnrecognizedClientException", message),
    }
}

/// The temporary keys are past their time, in the service's words.
pub(crate) fn expired(service: &str) -> AwsError {
    let message = "The security token included in the request is expired";
    match Protocol::of(service) {
        Protocol::Ec2 => AwsError::new(400, "RequestExpired", "Request has expired."),
        Protocol::Query | Protocol::S3 => AwsError::new(403, "ExpiredToken", message),
        Protocol::Json => AwsError::new(400, "ExpiredTokenException", message),
        Protocol::Rest => AwsError::new(403, "ExpiredTokenException", message),
    }
}

/// The signature does not fit, in the service's words.
pub(crate) fn bad_signature(service: &str, why: &str) -> AwsError {
    match Protocol::of(service) {
        Protocol::Ec2 | Protocol::Query | Protocol::S3 => {
            AwsError::new(403, "SignatureDoesNotMatch", why)
        }
        Protocol::Json => AwsError::new(400, "InvalidSignatureException", why),
        Protocol::Rest => AwsError::new(403, "InvalidSignatureException", why),
    }
}

/// Too many calls, in the service's words.
pub(crate) fn throttled(service: &str) -> AwsError {
    match Protocol::of(service) {
        Protocol::Ec2 => AwsError::new(503, "RequestLimitExceeded", "Request limit exceeded."),
        Protocol::Query => AwsError::new(400, "Throttling", "Rate exceeded"),
        Protocol::S3 => AwsError::new(503, "SlowDown", "Please reduce your request rate."),
        Protocol::Json => AwsError::new(400, "ThrottlingException", "Rate exceeded"),
        Protocol::Rest => AwsError::new(429, "ThrottlingException", "Rate exceeded"),
    }
}

/// The service failed, in its own words.
pub(crate) fn server_error(service: &str) -> AwsError {
    let message = "An internal error has occurred";
    match Protocol::of(service) {
        Protocol::Ec2 | Protocol::S3 => AwsError::new(500, "InternalError", message),
        Protocol::Query => AwsError::new(500, "ServiceFailure", message),
        Protocol::Json => AwsError::new(500, "InternalServerError", message),
        Protocol::Rest => AwsError::new(500, "ServerException", message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_carries_code_and_message_where_its_clients_look() {
        for service in ["ec2", "iam", "dynamodb", "eks", "s3"] {
            let reply = denied(service, "arn:me", "x:Y", "*").reply(service);
            let (code, message) = reply.find_error().unwrap();
            assert_eq!(Some(&code), reply.error.as_ref().map(|(code, _)| code));
            assert!(message.contains("arn:me is not authorized to perform: x:Y"), "{message}");
        }
    }

    #[test]
    fn a_modelled_error_carries_its_members() {
        let error = AwsError::new(409, "ResourceInUseException", "busy").with("clusterName", "c");
        let body: Value = serde_json::from_slice(&error.reply("eks").body).unwrap();
        assert_eq!(body["clusterName"], "c");
        assert_eq!(body["__type"], "ResourceInUseException");
    }
}
