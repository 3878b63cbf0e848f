//! Pure evaluation of IAM policy documents: trust policies and identity policies.
//!
//! The rules are those of IAM's "Policy evaluation logic" as far as a single account needs them:
//! an explicit deny wins, else an allow, else nothing. What is not understood never allows.

use std::collections::BTreeMap;

use serde_json::Value;

/// Values of the condition keys of one request; keys are compared without case.
pub(crate) type Conditions = BTreeMap<String, Vec<String>>;

/// A parsed policy document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document {
    statements: Vec<Statement>,
}

#[derive(Clone, Debug)]
struct Statement {
    allow: bool,
    principals: Vec<(String, String)>,
    actions: Matcher,
    resources: Option<Matcher>,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug)]
struct Matcher {
    patterns: Vec<String>,
    negated: bool,
}

#[derive(Clone, Debug)]
struct Condition {
    operator: String,
    key: String,
    values: Vec<String>,
}

/// What one document says about one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// No statement applies.
    Silent,
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
}

/// One request put to a document.
pub(crate) struct Question<'a> {
    /// Kind (`Service`, `Federated`, `AWS`) and name, in a trust policy.
    pub(crate) principal: Option<(&'a str, &'a str)>,
    pub(crate) action: &'a str,
    /// `None` where the policy has no resources (a trust policy).
    pub(crate) resource: Option<&'a str>,
    pub(crate) conditions: &'a Conditions,
}

impl Document {
    /// Reads a document. Fails with a sentence that says what is malformed.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))?;
        let statements = value.get("Statement").ok_or("it has no Statement")?;
        let statements = match statements {
            Value::Array(list) => list.iter().map(statement).collect::<Result<_, _>>()?,
            single => vec![statement(single)?],
        };
        Ok(Self { statements })
    }

    /// What this document says about the request.
    pub(crate) fn answer(&self, question: &Question<'_>) -> Verdict {
        let applying = self.statements.iter().filter(|s| s.applies(question));
        applying
            .map(|s| if s.allow { Verdict::Allowed } else { Verdict::Denied })
            .max()
            .unwrap_or(Verdict::Silent)
    }
}

/// Whether a role with these identity policies may do this.
pub(crate) fn permits(documents: &[Document], question: &Question<'_>) -> bool {
    let verdict = documents.iter().map(|document| document.answer(question)).max();
    verdict == Some(Verdict::Allowed)
}

impl Statement {
    fn applies(&self, question: &Question<'_>) -> bool {
        let principal = question.principal.is_none_or(|(kind, name)| {
            self.principals.iter().any(|(k, n)| n == "*" || (k == kind && n == name))
        });
        let resource = match (&self.resources, question.resource) {
            (Some(matcher), Some(resource)) => matcher.matches(resource),
            (None, None) => true,
            _ => false,
        };
        principal
            && resource
            && self.actions.matches(&question.action.to_ascii_lowercase())
            && self.conditions.iter().all(|c| c.holds(question.conditions, self.allow))
    }
}

impl Matcher {
    fn matches(&self, text: &str) -> bool {
        self.patterns.iter().any(|pattern| like(pattern, text)) != self.negated
    }
}

impl Condition {
    /// An operator that is not known here makes an allow fail and a deny hold.
    fn holds(&self, context: &Conditions, allow: bool) -> bool {
        let operator = self.operator.as_str();
        let operator = operator
            .strip_prefix("ForAnyValue:")
            .or_else(|| operator.strip_prefix("ForAllValues:"))
            .unwrap_or(operator);
        let (operator, if_exists) =
            operator.strip_suffix("IfExists").map_or((operator, false), |o| (o, true));
        let Some(actual) = context.get(&self.key) else {
            return if_exists || operator.contains("Not");
        };
        let any = |test: fn(&str, &str) -> bool| {
            self.values.iter().any(|wanted| actual.iter().any(|have| test(wanted, have)))
        };
        match operator {
            "StringEquals" | "ArnEquals" | "Bool" => any(|wanted, have| wanted == have),
            "StringNotEquals" | "ArnNotEquals" => !any(|wanted, have| wanted == have),
            "StringEqualsIgnoreCase" => any(str::eq_ignore_ascii_case),
            "StringLike" | "ArnLike" => any(like),
            "StringNotLike" | "ArnNotLike" => !any(like),
            _ => !allow,
        }
    }
}

fn statement(value: &Value) -> Result<Statement, String> {
    let allow = match value.get("Effect").and_then(Value::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        other => return Err(format!("Effect is {other:?}, want Allow or Deny")),
    };
    let actions = matcher(value, "Action", "NotAction").ok_or("a statement has no Action")?;
    let lower = actions.patterns.iter().map(|p| p.to_ascii_lowercase()).collect();
    Ok(Statement {
        allow,
        principals: principals(value.get("Principal")),
        actions: Matcher { patterns: lower, ..actions },
        resources: matcher(value, "Resource", "NotResource"),
        conditions: conditions(value.get("Condition")),
    })
}

fn matcher(value: &Value, plain: &str, negated: &str) -> Option<Matcher> {
    let found = |key: &str, negated| {
        value.get(key).map(|patterns| Matcher { patterns: strings(patterns), negated })
    };
    found(plain, false).or_else(|| found(negated, true))
}

fn principals(value: Option<&Value>) -> Vec<(String, String)> {
    match value {
        Some(Value::String(any)) => vec![("*".into(), any.clone())],
        Some(Value::Object(kinds)) => kinds
            .iter()
            .flat_map(|(kind, names)| strings(names).into_iter().map(|n| (kind.clone(), n)))
            .collect(),
        _ => Vec::new(),
    }
}

fn conditions(value: Option<&Value>) -> Vec<Condition> {
    let operators = value.and_then(Value::as_object).into_iter().flatten();
    operators
        .flat_map(|(operator, keys)| {
            keys.as_object().into_iter().flatten().map(|(key, values)| Condition {
                operator: operator.clone(),
                key: key.to_ascii_lowercase(),
                values: strings(values),
            })
        })
        .collect()
}

/// A scalar is a list of one; booleans and numbers are their text.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(strings).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Null | Value::Object(_) => Vec::new(),
        scalar => vec![scalar.to_string()],
    }
}

/// IAM's wildcards: `*` is any run of characters, `?` is one.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Federated": "arn:aws:iam::1:oidc-provider/oidc.example/id/A"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {"oidc.example/id/A:aud": "sts.amazonaws.com"},
            "StringLike": {"oidc.example/id/A:sub": "system:serviceaccount:crossplane-system:provider-aws-*"}
        }}]}"#;

    fn trusts(provider: &str, aud: &str, sub: &str) -> bool {
        let context = Conditions::from([
            ("oidc.example/id/a:aud".into(), vec![aud.into()]),
            ("oidc.example/id/a:sub".into(), vec![sub.into()]),
        ]);
        let question = Question {
            principal: Some(("Federated", provider)),
            action: "sts:AssumeRoleWithWebIdentity",
            resource: None,
            conditions: &context,
        };
        Document::parse(TRUST).unwrap().answer(&question) == Verdict::Allowed
    }

    #[test]
    fn a_trust_policy_wants_provider_audience_and_subject() {
        let provider = "arn:aws:iam::1:oidc-provider/oidc.example/id/A";
        let subject = "system:serviceaccount:crossplane-system:provider-aws-1";
        assert!(trusts(provider, "sts.amazonaws.com", subject));
        assert!(!trusts("arn:aws:iam::1:oidc-provider/other", "sts.amazonaws.com", subject));
        assert!(!trusts(provider, "kubernetes", subject));
        assert!(!trusts(provider, "sts.amazonaws.com", "system:serviceaccount:default:app"));
    }

    fn permitted(documents: &[&str], action: &str, resource: &str) -> bool {
        let documents: Vec<_> = documents.iter().map(|d| Document::parse(d).unwrap()).collect();
        let context = Conditions::from([("aws:requestedregion".into(), vec!["eu-west-1".into()])]);
        let question =
            Question { principal: None, action, resource: Some(resource), conditions: &context };
        permits(&documents, &question)
    }

    #[test]
    fn actions_and_resources_match_with_wildcards_and_without_case_in_actions() {
        let allow = r#"{"Statement": {"Effect": "Allow", "Action": ["EC2:*", "iam:Get*"],
            "Resource": "*"}}"#;
        assert!(permitted(&[allow], "ec2:CreateVpc", "arn:x"));
        assert!(permitted(&[allow], "iam:GetRole", "arn:x"));
        assert!(!permitted(&[allow], "iam:DeleteRole", "arn:x"));
        let one = r#"{"Statement": {"Effect": "Allow", "Action": "dynamodb:*",
            "Resource": "arn:aws:dynamodb:*:1:table/products-*"}}"#;
        assert!(permitted(&[one], "dynamodb:CreateTable", "arn:aws:dynamodb:r:1:table/products-a"));
        assert!(!permitted(&[one], "dynamodb:CreateTable", "arn:aws:dynamodb:r:1:table/orders"));
    }

    #[test]
    fn a_deny_wins_wherever_it_stands() {
        let allow = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
        let deny = r#"{"Statement": {"Effect": "Deny", "NotAction": "ec2:*", "Resource": "*"}}"#;
        assert!(permitted(&[allow, deny], "ec2:CreateVpc", "*"));
        assert!(!permitted(&[allow, deny], "iam:CreateRole", "*"));
        assert!(!permitted(&[], "ec2:CreateVpc", "*"));
    }

    #[test]
    fn a_condition_is_checked_and_an_unknown_one_never_allows() {
        let with = |operator: &str, value: &str| {
            format!(
                r#"{{"Statement": {{"Effect": "Allow", "Action": "*", "Resource": "*",
                "Condition": {{"{operator}": {{"aws:RequestedRegion": "{value}"}}}}}}}}"#
            )
        };
        let ask = |operator: &str, value: &str| {
            permitted(&[&with(operator, value)], "ec2:CreateVpc", "*")
        };
        assert!(ask("StringEquals", "eu-west-1"));
        assert!(!ask("StringEquals", "us-east-1"));
        assert!(ask("StringNotEquals", "us-east-1"));
        assert!(ask("ForAnyValue:StringLike", "eu-*"));
        assert!(!ask("IpAddress", "10.0.0.0/8"));
    }

    #[test]
    fn wildcards_backtrack() {
        assert!(like("a*b*c", "a-b-b-c"));
        assert!(!like("a*b*c", "a-b-b-d"));
        assert!(like("*", "") && like("a?c", "abc") && !like("a?c", "ac"));
    }

    #[test]
    fn a_malformed_document_says_what_is_wrong() {
        assert!(Document::parse("{").unwrap_err().contains("not JSON"));
        assert!(Document::parse("{}").unwrap_err().contains("Statement"));
        let bad = r#"{"Statement": {"Effect": "Maybe", "Action": "*"}}"#;
        assert!(Document::parse(bad).unwrap_err().contains("Effect"));
    }
}
