use crate::error::Class;

/// What an answer means. EC2 models no errors in the SDK, so codes are compared as text for every service alike.
pub(crate) fn classify(operation: &str, status: u16, code: &str, message: &str) -> Class {
    if is_throttle(status, code) {
        return Class::Throttled;
    }
    if is_denied(status, code) || (is_stranger(code) && !is_held(operation, code)) {
        return Class::Denied;
    }
    if not_yet(code, message) {
        return Class::NotYet;
    }
    if exists(operation, code) {
        return Class::Exists;
    }
    if in_use(operation, code, message) {
        return Class::InUse;
    }
    if not_found(status, code) {
        return Class::NotFound;
    }
    if code.contains("LimitExceeded") || code == "InsufficientAddressCapacity" {
        return Class::Limit;
    }
    if status >= 500 || status == 0 || matches!(code, "InternalError" | "InternalFailure") {
        return Class::Unanswered;
    }
    Class::Invalid
}

fn is_throttle(status: u16, code: &str) -> bool {
    status == 429
        || code.contains("Throttl")
        || matches!(
            code,
            "RequestLimitExceeded"
                | "TooManyRequestsException"
                | "ProvisionedThroughputExceededException"
                | "SlowDown"
                | "PriorRequestNotComplete"
                | "BandwidthLimitExceeded"
        )
}

fn is_denied(status: u16, code: &str) -> bool {
    code.contains("AccessDenied")
        || matches!(
            code,
            "UnauthorizedOperation"
                | "UnauthorizedException"
                | "NotAuthorized"
                | "OptInRequired"
                | "InvalidIdentityToken"
                | "IDPRejectedClaim"
        )
        || (code.is_empty() && matches!(status, 401 | 403))
}

/// The service does not know who asks: no policy would help.
pub(crate) fn is_stranger(code: &str) -> bool {
    matches!(
        code,
        "AuthFailure"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "IncompleteSignature"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "MissingAuthenticationToken"
            | "RequestExpired"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException"
    )
}

/// EC2 answers AuthFailure when a gateway is detached or an address released that a NAT gateway still holds.
fn is_held(operation: &str, code: &str) -> bool {
    code == "AuthFailure" && (operation.starts_with("Release") || operation.starts_with("Detach"))
}

/// A role or profile that was made seconds ago is not assumable everywhere yet.
fn not_yet(code: &str, message: &str) -> bool {
    const ROLE: [&str; 5] = [
        "cannot be assumed",
        "could not be assumed",
        "is not authorized to be assumed",
        "not assumable",
        "does not have the required trust",
    ];
    let invalid = matches!(
        code,
        "InvalidParameterException" | "InvalidRequestException" | "InvalidParameterValueException"
    );
    (invalid && ROLE.iter().any(|words| message.contains(words)))
        || code == "Gateway.NotAttached"
        || (code == "MalformedPolicyDocument" && message.contains("Invalid principal"))
}

fn exists(operation: &str, code: &str) -> bool {
    code.contains("AlreadyExists")
        || code.ends_with(".Duplicate")
        || (code == "ResourceInUseException" && operation.starts_with("Create"))
}

fn in_use(operation: &str, code: &str, message: &str) -> bool {
    const CODES: [&str; 9] = [
        "DependencyViolation",
        "DeleteConflict",
        "DeleteConflictException",
        "ResourceInUseException",
        "ResourceInUse",
        "InvalidIPAddress.InUse",
        "IncorrectState",
        "IncorrectInstanceState",
        "ConcurrentModification",
    ];
    CODES.contains(&code)
        || is_held(operation, code)
        || (code == "InvalidRequestException" && message.contains("currently has"))
}

fn not_found(status: u16, code: &str) -> bool {
    code.ends_with(".NotFound")
        || code.ends_with("NotFoundException")
        || matches!(
            code,
            "NatGatewayNotFound" | "NoSuchEntity" | "NoSuchEntityException" | "NotFound"
        )
        || (code.is_empty() && status == 404)
}

#[cfg(test)]
mod tests {
    use super::classify;
    use crate::error::Class;

    #[test]
    fn judges_codes_as_the_services_use_them() {
        for (operation, status, code, message, class) in [
            ("DescribeVpcs", 503, "RequestLimitExceeded", "", Class::Throttled),
            ("CreateCluster", 429, "TooManyRequestsException", "", Class::Throttled),
            ("CreateRole", 403, "AccessDenied", "", Class::Denied),
            ("CreateVpc", 403, "UnauthorizedOperation", "", Class::Denied),
            ("AssumeRoleWithWebIdentity", 400, "InvalidIdentityToken", "", Class::Denied),
            ("DescribeVpcs", 401, "AuthFailure", "", Class::Denied),
            ("DescribeVpcs", 400, "RequestExpired", "", Class::Denied),
            ("DescribeTable", 400, "InvalidSignatureException", "", Class::Denied),
            ("DescribeVpcs", 400, "InvalidVpcID.NotFound", "", Class::NotFound),
            ("DeleteNatGateway", 400, "NatGatewayNotFound", "", Class::NotFound),
            ("GetRole", 404, "NoSuchEntity", "", Class::NotFound),
            ("CreateRole", 409, "EntityAlreadyExists", "", Class::Exists),
            ("CreateCluster", 409, "ResourceInUseException", "", Class::Exists),
            ("DeleteCluster", 409, "ResourceInUseException", "", Class::InUse),
            ("DeleteVpc", 400, "DependencyViolation", "", Class::InUse),
            ("ReleaseAddress", 400, "AuthFailure", "", Class::InUse),
            (
                "CreateCluster",
                400,
                "InvalidParameterException",
                "Role with arn: r, could not be assumed because it does not exist",
                Class::NotYet,
            ),
            ("CreateVpc", 400, "VpcLimitExceeded", "", Class::Limit),
            ("CreateVpc", 400, "InvalidVpc.Range", "", Class::Invalid),
            ("CreateVpc", 500, "InternalError", "", Class::Unanswered),
            ("CreateVpc", 503, "Unavailable", "", Class::Unanswered),
        ] {
            assert_eq!(classify(operation, status, code, message), class, "{operation} {code}");
        }
    }
}
