use cel_core::{Expr, SpannedExpr};

/// The first path that starts at a variable, as it is written: `status.conditions` for `status`.
pub(super) fn path(expr: &SpannedExpr, variable: &str) -> Option<String> {
    if let Some(path) = selection(expr)
        && path.split('.').next() == Some(variable)
    {
        return Some(path);
    }
    children(expr).into_iter().find_map(|child| path(child, variable))
}

/// A variable with the fields that are read of it, and nothing else.
fn selection(expr: &SpannedExpr) -> Option<String> {
    match &expr.node {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Member { expr, field, optional: false } | Expr::MemberTestOnly { expr, field } => {
            Some(format!("{}.{field}", selection(expr)?))
        }
        _ => None,
    }
}

/// What an expression is made of, in the order in which it is evaluated.
pub(super) fn children(expr: &SpannedExpr) -> Vec<&SpannedExpr> {
    match &expr.node {
        Expr::List(items) => items.iter().map(|item| &item.expr).collect(),
        Expr::Map(entries) => entries.iter().flat_map(|entry| [&entry.key, &entry.value]).collect(),
        Expr::Unary { expr, .. }
        | Expr::Member { expr, .. }
        | Expr::MemberTestOnly { expr, .. } => vec![expr],
        Expr::Binary { left, right, .. } => vec![left, right],
        Expr::Ternary { cond, then_expr, else_expr } => vec![cond, then_expr, else_expr],
        Expr::Index { expr, index, .. } => vec![expr, index],
        // What a method is called on stands in a selection of the method's name.
        Expr::Call { expr, args } => {
            let callee = match &expr.node {
                Expr::Member { expr: receiver, .. } => receiver,
                _ => expr,
            };
            std::iter::once(&**callee).chain(args).collect()
        }
        Expr::Struct { fields, .. } => fields.iter().map(|field| &field.value).collect(),
        Expr::Comprehension(loops) => vec![
            &loops.iter_range,
            &loops.accu_init,
            &loops.loop_condition,
            &loops.loop_step,
            &loops.result,
        ],
        Expr::Bind { init, body, .. } => vec![init, body],
        _ => Vec::new(),
    }
}
