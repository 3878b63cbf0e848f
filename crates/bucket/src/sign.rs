use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;

use crate::Keys;

/// The headers that sign a request without a body, as S3 wants it.
pub(crate) fn headers(
    (method, url): (&str, &str),
    keys: &Keys,
    region: &str,
    now: SystemTime,
) -> Result<Vec<(String, String)>, String> {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    let session = keys.session.as_ref().map(|session| session.expose().clone());
    let credentials = Credentials::new(&keys.id, keys.secret.expose(), session, None, "bucket");
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("s3")
        .time(now)
        .settings(settings)
        .build()
        .map_err(|cause| cause.to_string())?
        .into();
    let request = SignableRequest::new(method, url, std::iter::empty(), SignableBody::Bytes(&[]));
    let request = request.map_err(|cause| cause.to_string())?;
    let (instructions, _) = sign(request, &params).map_err(|cause| cause.to_string())?.into_parts();
    let pairs = instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(pairs.collect())
}

#[cfg(test)]
mod tests {
    use super::headers;
    use crate::Keys;
    use capstan_model::Secret;
    use std::time::{Duration, SystemTime};

    /// The example of a list in the documentation of S3.
    #[test]
    fn the_signature_is_that_of_the_documentation() {
        let keys = Keys {
            id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
            session: None,
        };
        let url = "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J";
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        let signed = headers(("GET", url), &keys, "us-east-1", at).expect("signs");
        let value = |wanted: &str| {
            let found = signed.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
        assert!(value("authorization").ends_with(signature), "{}", value("authorization"));
    }
}
