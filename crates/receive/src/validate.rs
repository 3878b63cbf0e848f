use capstan_api::flux::{OidcProvider, ReceiverSpec};
use capstan_health::cel::{CelError, Expression, Output};
use serde_json::{Map, Value};

use crate::{Filters, Refusal};

/// Why a Receiver can never work as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// `ValidationFailed` or `InvalidCELExpression`.
    pub reason: &'static str,
    /// Where and why.
    pub message: String,
}

/// Is a Receiver one that can work? The API server checks most of it, if it knows the whole schema.
///
/// # Errors
/// When only an edit of the spec helps.
pub fn validate(spec: &ReceiverSpec) -> Result<(), Invalid> {
    let invalid = |message| Invalid { reason: "ValidationFailed", message };
    let no_cel = |message: String| Invalid { reason: "InvalidCELExpression", message };
    check_providers(spec).map_err(invalid)?;
    for (at, provider) in spec.oidc_providers.iter().enumerate() {
        Claims::of(provider).map_err(|why| {
            no_cel(format!("oidcProviders[{at}] (issuerURL=\"{}\"): {why}", provider.issuer_url))
        })?;
    }
    Filters::read(spec).map(|_| ()).map_err(|(field, why)| no_cel(format!("{field}: {why}")))
}

fn check_providers(spec: &ReceiverSpec) -> Result<(), String> {
    let providers = &spec.oidc_providers;
    let is_oidc = spec.type_ == "generic-oidc";
    match (is_oidc, providers.is_empty(), spec.secret_ref.is_some()) {
        (true, true, _) => {
            return Err("generic-oidc receivers must define at least one oidcProvider".to_owned());
        }
        (false, false, _) => {
            return Err("oidcProviders can only be set when type is generic-oidc".to_owned());
        }
        (true, _, true) => {
            return Err("secretRef cannot be set when type is generic-oidc".to_owned());
        }
        (false, _, false) => {
            return Err("secretRef is required when type is not generic-oidc".to_owned());
        }
        _ => {}
    }
    for (at, provider) in providers.iter().enumerate() {
        let url = &provider.issuer_url;
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(format!(
                "oidcProviders[{at}]: issuerURL \"{url}\" must start with http:// or https://"
            ));
        }
        if providers[..at].iter().any(|before| before.issuer_url == *url) {
            return Err(format!("oidcProviders[{at}]: duplicate issuerURL \"{url}\""));
        }
        if provider.validations.is_empty() {
            return Err(format!(
                "oidcProviders[{at}] (issuerURL=\"{url}\"): at least one validation is required; without validations any \
                 caller able to obtain a token from this issuer can trigger the Receiver"
            ));
        }
    }
    Ok(())
}

/// What a provider asks of claims.
pub(crate) struct Claims<'a> {
    variables: Vec<(&'a str, Expression)>,
    validations: Vec<(&'a str, Expression)>,
}

impl<'a> Claims<'a> {
    pub(crate) fn of(provider: &'a OidcProvider) -> Result<Self, String> {
        let compile = |text, output| Expression::compile(text, &["claims", "vars"], output);
        let invalid = |what: &str, name: &str, why: &CelError| {
            format!("invalid expression for {what} \"{name}\": {why}")
        };
        let variables = provider.variables.iter().map(|variable| {
            compile(&variable.expression, None)
                .map(|expression| (&*variable.name, expression))
                .map_err(|why| invalid("variable", &variable.name, &why))
        });
        let variables = variables.collect::<Result<_, _>>()?;
        let validations = provider.validations.iter().map(|validation| {
            compile(&validation.expression, Some(Output::Bool))
                .map(|expression| (&*validation.message, expression))
                .map_err(|why| invalid("validation", &validation.message, &why))
        });
        Ok(Self { variables, validations: validations.collect::<Result<_, _>>()? })
    }

    /// Do claims hold? The caller, whose token is genuine, is told which validations do not.
    pub(crate) fn check(&self, claims: &Map<String, Value>) -> Result<(), Refusal> {
        let mut data = Map::new();
        data.insert("claims".to_owned(), Value::Object(claims.clone()));
        let mut vars = Map::new();
        data.insert("vars".to_owned(), Value::Object(Map::new()));
        for (name, expression) in &self.variables {
            let value = expression.evaluate(&data).map_err(|why| {
                Refusal::new(format!("failed to evaluate variable \"{name}\": {why}"))
            })?;
            vars.insert((*name).to_owned(), value);
            data.insert("vars".to_owned(), Value::Object(vars.clone()));
        }
        let mut failed = Vec::new();
        for (message, expression) in &self.validations {
            let holds = expression
                .evaluate_bool(&data)
                .map_err(|why| Refusal::new(format!("failed to evaluate validation: {why}")))?;
            if !holds {
                failed.push(*message);
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        let message = format!("token validation failed: {}", failed.join("; "));
        Err(Refusal { told: Some(message.clone()), message })
    }
}
