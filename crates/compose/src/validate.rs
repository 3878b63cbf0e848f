//! What a Composition's parts must say; every fault names its field.

use std::fmt;

use crate::go;
use crate::patch::PatchKind;
use crate::wire::{
    Combine, ConnectionDetail, Convert, Match, MatchCondition, Math, Patch, PatchSet, Pattern,
    ReadinessCheck, Strings, Transform,
};

/// Is the field absent or wrong?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldFault {
    /// Absent.
    Required,
    /// Has a value that does not exist.
    Invalid,
}

/// One faulty field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {fault}: {detail}")]
pub struct FieldError {
    /// Absent or wrong.
    pub fault: FieldFault,
    /// Path below what was validated: `transforms[0].math`.
    pub field: String,
    /// What it should be.
    pub detail: String,
}

impl fmt::Display for FieldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Required => "required value",
            Self::Invalid => "invalid value",
        })
    }
}

type Valid = Result<(), FieldError>;

pub(crate) fn required(field: &str, detail: impl Into<String>) -> FieldError {
    FieldError { fault: FieldFault::Required, field: field.to_owned(), detail: detail.into() }
}

fn invalid(field: &str, value: &str, allowed: &str) -> FieldError {
    let detail = format!("`{value}` is not one of {allowed}");
    FieldError { fault: FieldFault::Invalid, field: field.to_owned(), detail }
}

impl FieldError {
    /// The same fault seen from the object that holds this one.
    #[must_use]
    pub fn within(mut self, parent: &str) -> Self {
        self.field = format!("{parent}.{}", self.field);
        self
    }
}

fn each<T>(list: &[T], name: &str, check: impl Fn(&T) -> Valid) -> Valid {
    list.iter().enumerate().try_for_each(|(index, item)| {
        check(item).map_err(|error| error.within(&format!("{name}[{index}]")))
    })
}

/// A patch, its transforms and policies.
pub fn patch(patch: &Patch) -> Valid {
    let Some(kind) = patch.kind() else {
        return Err(invalid("type", &patch.type_, PatchKind::NAMES));
    };
    let filled = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    if kind == PatchKind::PatchSet {
        if !filled(&patch.patch_set_name) {
            return Err(required("patchSetName", "type PatchSet needs the name of a set"));
        }
    } else if kind.is_combine() {
        let need = || required("combine", format!("type {} combines variables", kind.name()));
        let combined = patch.combine.as_ref().ok_or_else(need)?;
        if !filled(&patch.to_field_path) {
            return Err(required("toFieldPath", format!("type {} needs a target", kind.name())));
        }
        combine(combined).map_err(|error| error.within("combine"))?;
    } else if !filled(&patch.from_field_path) {
        return Err(required("fromFieldPath", format!("type {} needs a source", kind.name())));
    }
    each(&patch.transforms, "transforms", transform)?;
    policy(patch)
}

fn policy(patch: &Patch) -> Valid {
    let Some(policy) = &patch.policy else { return Ok(()) };
    let from = policy.from_field_path.as_deref().unwrap_or("Optional");
    if !matches!(from, "Optional" | "Required") {
        return Err(invalid("policy.fromFieldPathPolicy", from, "Optional, Required"));
    }
    let to = policy.to_field_path.as_deref().unwrap_or("Replace");
    if crate::patch::function_merge(to).is_none() {
        let allowed = "Replace, MergeObjects, MergeObjectsAppendArrays, ForceMergeObjects, \
                       ForceMergeObjectsAppendArrays";
        return Err(invalid("policy.toFieldPathPolicy", to, allowed));
    }
    Ok(())
}

/// The patches that may stand in `environment.patches`.
pub fn environment_patch(patch: &Patch) -> Valid {
    let fits = |kind: PatchKind| {
        !matches!(kind, PatchKind::PatchSet | PatchKind::CombineFromEnvironment)
            && kind != PatchKind::CombineToEnvironment
    };
    if !patch.kind().is_some_and(fits) {
        let allowed = "the types between composite and environment";
        return Err(invalid("type", &patch.type_, allowed));
    }
    self::patch(patch)
}

/// A set: it has a name, and its patches are whole.
pub fn patch_set(set: &PatchSet) -> Valid {
    if set.name.is_empty() {
        return Err(required("name", "a PatchSet is found by its name"));
    }
    each(&set.patches, "patches", patch)
}

/// A combination of variables.
pub fn combine(combine: &Combine) -> Valid {
    match combine.strategy.as_str() {
        "string" if combine.string.is_some() => {}
        "string" => return Err(required("string", "strategy string needs a format")),
        "" => return Err(required("strategy", "write string")),
        other => return Err(invalid("strategy", other, "string")),
    }
    if combine.variables.is_empty() {
        return Err(required("variables", "at least one variable is needed"));
    }
    each(&combine.variables, "variables", |variable| {
        if variable.from_field_path.is_empty() {
            return Err(required("fromFieldPath", "each variable needs a source"));
        }
        Ok(())
    })
}

/// A transform and its options.
pub fn transform(transform: &Transform) -> Valid {
    let need = |field: &str| required(field, format!("type {field} needs its options"));
    match transform.type_.as_str() {
        "math" => {
            let options = transform.math.as_ref().ok_or_else(|| need("math"))?;
            math(options).map_err(|error| error.within("math"))
        }
        "map" => match &transform.map {
            None => Err(need("map")),
            Some(pairs) if pairs.is_empty() => {
                Err(required("pairs", "at least one pair is needed").within("map"))
            }
            Some(_) => Ok(()),
        },
        "match" => {
            let options = transform.match_.as_ref().ok_or_else(|| need("match"))?;
            match_(options).map_err(|error| error.within("match"))
        }
        "string" => {
            let options = transform.string.as_ref().ok_or_else(|| need("string"))?;
            strings(options).map_err(|error| error.within("string"))
        }
        "convert" => {
            let options = transform.convert.as_ref().ok_or_else(|| need("convert"))?;
            convert(options).map_err(|error| error.within("convert"))
        }
        other => Err(invalid("type", other, "math, map, match, string, convert")),
    }
}

/// Options of `math`.
pub fn math(math: &Math) -> Valid {
    let (field, given) = match math.type_.as_str() {
        "" => return Err(required("type", "write Multiply, ClampMin or ClampMax")),
        "Multiply" => ("multiply", math.multiply),
        "ClampMin" => ("clampMin", math.clamp_min),
        "ClampMax" => ("clampMax", math.clamp_max),
        other => return Err(invalid("type", other, "Multiply, ClampMin, ClampMax")),
    };
    given.map(|_| ()).ok_or_else(|| required(field, format!("type {} needs it", math.type_)))
}

fn match_(options: &Match) -> Valid {
    if options.patterns.is_empty() {
        return Err(required("patterns", "at least one pattern is needed"));
    }
    each(&options.patterns, "patterns", pattern)
}

fn pattern(pattern: &Pattern) -> Valid {
    match pattern.type_.as_str() {
        "literal" | "" => match pattern.literal {
            Some(_) => Ok(()),
            None => Err(required("literal", "type literal needs it")),
        },
        "regexp" => {
            let text = pattern.regexp.as_deref();
            let text = text.ok_or_else(|| required("regexp", "type regexp needs it"))?;
            expression("regexp", text)
        }
        other => Err(invalid("type", other, "literal, regexp")),
    }
}

fn expression(field: &str, text: &str) -> Valid {
    go::regex::compile(text).map(|_| ()).map_err(|detail| FieldError {
        fault: FieldFault::Invalid,
        field: field.to_owned(),
        detail,
    })
}

fn strings(options: &Strings) -> Valid {
    let (field, given) = match options.type_.as_str() {
        "" => return Err(required("type", "write Format, Convert, TrimPrefix, Regexp, …")),
        "Format" => ("fmt", options.fmt.is_some()),
        "Convert" => ("convert", options.convert.is_some()),
        "TrimPrefix" | "TrimSuffix" => ("trim", options.trim.is_some()),
        "Join" => ("join", options.join.is_some()),
        "Replace" => ("replace", options.replace.is_some()),
        "Regexp" => match &options.regexp {
            None => ("regexp", false),
            Some(regexp) if regexp.match_.is_empty() => ("regexp.match", false),
            Some(regexp) => return expression("regexp.match", &regexp.match_),
        },
        other => {
            let allowed = "Format, Convert, TrimPrefix, TrimSuffix, Regexp, Join, Replace";
            return Err(invalid("type", other, allowed));
        }
    };
    if given { Ok(()) } else { Err(required(field, format!("type {} needs it", options.type_))) }
}

/// Options of `convert`.
pub fn convert(options: &Convert) -> Valid {
    let format = options.format.as_deref().unwrap_or("none");
    if !matches!(format, "none" | "quantity" | "json") {
        return Err(invalid("format", format, "none, quantity, json"));
    }
    let known = ["string", "int", "int64", "bool", "float64", "object", "array"];
    if !known.contains(&options.to_type.as_str()) {
        return Err(invalid("toType", &options.to_type, &known.join(", ")));
    }
    Ok(())
}

/// A readiness check in the function's dialect.
pub fn readiness_check(check: &ReadinessCheck) -> Valid {
    let need = |field: &str| required(field, format!("type {} needs it", check.type_));
    match check.type_.as_str() {
        "None" => return Ok(()),
        "MatchCondition" => {
            let condition = check.match_condition.as_ref();
            return condition.map_or(Ok(()), |condition| {
                match_condition(condition).map_err(|error| error.within("matchCondition"))
            });
        }
        "MatchString" if check.match_string.is_none() => return Err(need("matchString")),
        "MatchInteger" if check.match_integer.is_none() => return Err(need("matchInteger")),
        "MatchString" | "MatchInteger" | "MatchTrue" | "MatchFalse" | "NonEmpty" => {}
        other => {
            let allowed = "MatchString, MatchInteger, MatchTrue, MatchFalse, MatchCondition, \
                           NonEmpty, None";
            return Err(invalid("type", other, allowed));
        }
    }
    if check.field_path.is_none() { Err(need("fieldPath")) } else { Ok(()) }
}

fn match_condition(condition: &MatchCondition) -> Valid {
    if condition.type_.is_empty() {
        return Err(required("type", "name the condition"));
    }
    if condition.status.is_empty() {
        return Err(required("status", "write True, False or Unknown"));
    }
    Ok(())
}

/// A connection detail in the function's dialect, where type and name are written out.
pub fn connection_detail(detail: &ConnectionDetail) -> Valid {
    let type_ = detail.type_.as_deref().unwrap_or_default();
    let (field, given) = match type_ {
        "" => {
            return Err(required(
                "type",
                "write FromConnectionSecretKey, FromFieldPath, FromValue",
            ));
        }
        "FromValue" => ("value", detail.value.is_some()),
        "FromConnectionSecretKey" => {
            ("fromConnectionSecretKey", detail.from_connection_secret_key.is_some())
        }
        "FromFieldPath" => ("fromFieldPath", detail.from_field_path.is_some()),
        other => {
            let allowed = "FromConnectionSecretKey, FromFieldPath, FromValue";
            return Err(invalid("type", other, allowed));
        }
    };
    if detail.name.as_deref().unwrap_or_default().is_empty() {
        return Err(required("name", "the key in the connection details"));
    }
    if given { Ok(()) } else { Err(required(field, format!("type {type_} needs it"))) }
}
