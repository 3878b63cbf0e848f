use cel_core::{BinaryOp, Expr, SpannedExpr};

/// Makes `has(a.b)` fail where `a` fails, as in cel-go; the library takes every failure for "no".
pub(super) fn strict_has(expr: &mut SpannedExpr) {
    for child in children_mut(expr) {
        strict_has(child);
    }
    let Expr::MemberTestOnly { expr: of, field } = &mut expr.node else { return };
    if is_optional(of) {
        return;
    }
    let key = SpannedExpr::new(0, Expr::String(std::mem::take(field)), expr.span.clone());
    let of = std::mem::replace(&mut **of, SpannedExpr::new(0, Expr::Null, 0..0));
    expr.node = Expr::Binary { op: BinaryOp::In, left: Box::new(key), right: Box::new(of) };
}

/// Does it give an optional, whose absence is no failure?
fn is_optional(expr: &SpannedExpr) -> bool {
    match &expr.node {
        Expr::Member { expr, optional, .. } | Expr::Index { expr, optional, .. } => {
            *optional || is_optional(expr)
        }
        Expr::Call { .. } => true,
        _ => false,
    }
}

fn children_mut(expr: &mut SpannedExpr) -> Vec<&mut SpannedExpr> {
    match &mut expr.node {
        Expr::List(items) => items.iter_mut().map(|item| &mut item.expr).collect(),
        Expr::Map(entries) => {
            entries.iter_mut().flat_map(|entry| [&mut entry.key, &mut entry.value]).collect()
        }
        Expr::Unary { expr, .. }
        | Expr::Member { expr, .. }
        | Expr::MemberTestOnly { expr, .. } => vec![expr],
        Expr::Binary { left, right, .. } => vec![left, right],
        Expr::Ternary { cond, then_expr, else_expr } => vec![cond, then_expr, else_expr],
        Expr::Index { expr, index, .. } => vec![expr, index],
        Expr::Call { expr, args } => std::iter::once(&mut **expr).chain(args).collect(),
        Expr::Struct { fields, .. } => fields.iter_mut().map(|field| &mut field.value).collect(),
        Expr::Comprehension(loops) => vec![
            &mut loops.iter_range,
            &mut loops.accu_init,
            &mut loops.loop_condition,
            &mut loops.loop_step,
            &mut loops.result,
        ],
        Expr::Bind { init, body, .. } => vec![init, body],
        _ => Vec::new(),
    }
}
