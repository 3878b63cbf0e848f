use std::io::Read;

use capstan_subst::expand;

use crate::args::Envsubst;
use crate::failure::Failure;
use crate::out;

/// Expands stdin with the variables of the environment.
pub(crate) fn run(args: &Envsubst) -> Result<(), Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(format!("failed to read stdin: {error}")))?;
    let lookup = |name: &str| std::env::var(name).ok();
    let expanded = expand(&text, &lookup, args.strict).map_err(|e| Failure::new(e.to_string()))?;
    out::data(&expanded)
}
