//! What keeps an expression from harm: its reader and its evaluator recurse, and neither can be interrupted.

use cel_core::{Expr, SpannedExpr};

use super::CelError;
use super::missing::children;

/// Bytes. The longest expressions in use have a tenth of it.
const LENGTH: usize = 4096;
/// Open brackets, cel-go's own limit on recursion.
const NESTING: usize = 250;
/// Loops within loops, each over a list.
const LOOPS: usize = 3;
/// Fields within fields: `a.b` has one.
const FIELDS: usize = 64;
/// Bytes of stack for the deepest expression that the limits admit.
const STACK: usize = 64 * 1024 * 1024;

/// Runs what recurses over an expression.
pub(super) fn deep<T>(run: impl FnOnce() -> T) -> T {
    stacker::grow(STACK, run)
}

/// Is the text one that can be read?
pub(super) fn check(text: &str) -> Result<(), CelError> {
    if text.len() > LENGTH {
        return Err(CelError::TooLarge(format!("long: {} bytes, at most {LENGTH}", text.len())));
    }
    let mut open = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > NESTING {
            return Err(CelError::TooLarge(format!("deep: at most {NESTING} open brackets")));
        }
    }
    Ok(())
}

/// Is it an expression whose evaluation ends soon?
pub(super) fn check_shape(expr: &SpannedExpr) -> Result<(), CelError> {
    if loops(expr) > LOOPS {
        return Err(CelError::TooLarge(format!("deep: at most {LOOPS} loops within each other")));
    }
    if fields(expr) > FIELDS {
        return Err(CelError::TooLarge(format!("deep: at most {FIELDS} fields within each other")));
    }
    Ok(())
}

/// The longest chain of fields. The library tries each of its beginnings as a name.
fn fields(expr: &SpannedExpr) -> usize {
    let mut length = 0;
    let mut rest = expr;
    while let Expr::Member { expr, .. } | Expr::MemberTestOnly { expr, .. } = &rest.node {
        length += 1;
        rest = expr;
    }
    children(rest).into_iter().map(fields).max().unwrap_or(0).max(length)
}

fn loops(expr: &SpannedExpr) -> usize {
    let below = |expr: &SpannedExpr| children(expr).into_iter().map(loops).max().unwrap_or(0);
    match &expr.node {
        // A loop over the result of another comes after it, not within it.
        Expr::Comprehension(data) => {
            let body = [&data.loop_condition, &data.loop_step, &data.result];
            let body = body.into_iter().map(|part| loops(part)).max().unwrap_or(0);
            loops(&data.iter_range).max(1 + body)
        }
        _ => below(expr),
    }
}
