use crate::case::Outcome;

/// The lines in which two outcomes differ, with some around them: `-` is kustomize's, `+` ours.
pub fn compared(ours: &Outcome, theirs: &Outcome) -> String {
    match (ours, theirs) {
        (Outcome::Built(ours), Outcome::Built(theirs)) => lines(ours, theirs),
        _ => format!("- {}\n+ {}", shown(theirs), shown(ours)),
    }
}

fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Built(text) => format!("built:\n{text}"),
        Outcome::Failed(text) => format!("failed: {text}"),
        Outcome::Panicked(text) => format!("panicked: {text}"),
    }
}

/// Common lines at both ends are left out but for three.
fn lines(ours: &str, theirs: &str) -> String {
    let (ours, theirs): (Vec<&str>, Vec<&str>) =
        (ours.split('\n').collect(), theirs.split('\n').collect());
    let head = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    let most = ours.len().min(theirs.len()) - head;
    let tail =
        ours.iter().rev().zip(theirs.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let mut out = Vec::new();
    out.extend(ours[head.saturating_sub(3)..head].iter().map(|line| format!("  {line}")));
    out.extend(theirs[head..theirs.len() - tail].iter().map(|line| format!("- {line}")));
    out.extend(ours[head..ours.len() - tail].iter().map(|line| format!("+ {line}")));
    out.extend(ours[ours.len() - tail..].iter().take(3).map(|line| format!("  {line}")));
    out.join("\n")
}
