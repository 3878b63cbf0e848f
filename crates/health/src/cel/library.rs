use std::sync::LazyLock;

use cel_core::ext::{encoders_extension, optionals_extension, string_extension};
use cel_core::{CelType, Env, EvalError, FunctionDecl, OverloadDecl, Value};

/// Everything that an expression may call.
pub(super) fn env() -> Env {
    static ENV: LazyLock<Env> = LazyLock::new(|| {
        Env::with_standard_library()
            .with_extension(string_extension())
            .with_extension(encoders_extension())
            .with_extension(optionals_extension())
            .with_extension(ends())
            .with_extension(sets())
    });
    ENV.clone()
}

fn element() -> CelType {
    CelType::type_param("T")
}

fn generic(overload: OverloadDecl) -> OverloadDecl {
    overload.with_type_params(vec!["T".to_owned()])
}

/// `first` and `last` of a list, which came with the optionals.
fn ends() -> Vec<FunctionDecl> {
    let end = |name: &str, pick: fn(&[Value]) -> Option<&Value>| {
        let params = vec![CelType::list(element())];
        let overload =
            OverloadDecl::method(format!("list_{name}"), params, CelType::optional(element()));
        FunctionDecl::new(name).with_overload(generic(overload).with_impl(move |args| match args {
            [Value::List(items)] => match pick(items) {
                Some(item) => Value::optional_some(item.clone()),
                None => Value::optional_none(),
            },
            _ => mismatch("a function of lists"),
        }))
    };
    vec![end("first", <[Value]>::first), end("last", <[Value]>::last)]
}

fn mismatch(function: &str) -> Value {
    Value::error(EvalError::no_matching_overload(function))
}

/// cel-go's sets: lists where neither order nor repetition counts.
fn sets() -> Vec<FunctionDecl> {
    let set = |name: &str, holds: fn(&[Value], &[Value]) -> bool| {
        let params = vec![CelType::list(element()), CelType::list(element())];
        let overload = OverloadDecl::function(name.replace('.', "_"), params, CelType::Bool);
        FunctionDecl::new(name).with_overload(generic(overload).with_impl(move |args| match args {
            [Value::List(left), Value::List(right)] => Value::Bool(holds(left, right)),
            _ => mismatch("a function of sets"),
        }))
    };
    vec![
        set("sets.contains", contains),
        set("sets.equivalent", |left, right| contains(left, right) && contains(right, left)),
        set("sets.intersects", |left, right| left.iter().any(|item| right.contains(item))),
    ]
}

fn contains(all: &[Value], some: &[Value]) -> bool {
    some.iter().all(|item| all.contains(item))
}
