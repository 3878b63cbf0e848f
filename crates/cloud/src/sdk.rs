use std::error::Error;

use aws_sdk_sts::operation::RequestId;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::error::{Class, CloudError};

/// What an error of the SDK means.
pub(crate) fn judge<E>(
    service: &'static str,
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
) -> CloudError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if let Some(own) = own_error(error) {
        return own;
    }
    let mut judged = match error {
        SdkError::ServiceError(answer) => CloudError::answered(
            service,
            operation,
            answer.raw().status().as_u16(),
            answer.err().code().unwrap_or_default(),
            answer.err().message().unwrap_or_default(),
        ),
        SdkError::ConstructionFailure(_) => CloudError::invalid(service, operation, chain(error)),
        _ => CloudError::new(service, operation, Class::Unanswered, chain(error)),
    };
    judged.request_id = error.request_id().map(str::to_owned);
    judged
}

/// The error that lies below an error of the SDK: credentials that could not be had.
pub(crate) fn own_error(error: &(dyn Error + 'static)) -> Option<CloudError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(own) = error.downcast_ref::<CloudError>() {
            return Some(own.clone());
        }
        if let Some(refused) = error.downcast_ref::<AssumeRoleError>() {
            return refused.code().map(|code| {
                let message = refused.message().unwrap_or_default();
                CloudError::answered("sts", "AssumeRole", 400, code, message)
            });
        }
        next = error.source();
    }
    None
}

pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    capstan_model::Chain(error).to_string()
}

#[cfg(test)]
mod tests {
    use super::{judge, own_error};
    use crate::error::{Class, CloudError};
    use aws_credential_types::provider::error::CredentialsError;
    use aws_sdk_ec2::operation::create_vpc::CreateVpcError;
    use aws_sdk_sts::operation::assume_role::AssumeRoleError;
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_runtime_api::client::result::SdkError;
    use aws_smithy_types::error::ErrorMetadata;

    #[test]
    fn a_denied_role_is_seen_through_the_sdk() {
        let denied =
            CloudError::answered("sts", "AssumeRoleWithWebIdentity", 403, "AccessDenied", "no");
        let wrapped = CredentialsError::provider_error(denied.clone());
        assert_eq!(own_error(&wrapped), Some(denied));
    }

    #[test]
    fn a_role_that_may_not_be_assumed_is_seen_through_the_sdk() {
        let refused = ErrorMetadata::builder().code("AccessDenied").message("no").build();
        let wrapped = CredentialsError::provider_error(AssumeRoleError::generic(refused));
        let own = own_error(&wrapped).expect("it is seen");
        assert_eq!(own.class, Class::Denied);
        assert_eq!(own.to_string(), "sts AssumeRole was denied: AccessDenied: no");
    }

    #[test]
    fn a_call_that_timed_out_may_have_happened() {
        let error: SdkError<CreateVpcError, HttpResponse> = SdkError::timeout_error("late");
        let judged = judge("ec2", "CreateVpc", &error);
        assert_eq!(judged.class, Class::Unanswered);
        assert!(!judged.is_refusal());
    }
}
