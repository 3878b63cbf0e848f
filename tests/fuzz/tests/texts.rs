//! Some seconds of random texts.

use std::time::Duration;

use capstan_fuzz::text::{Target, run};

const TIME: Duration = Duration::from_secs(2);

fn holds(target: Target) {
    if let Err(failure) = run(target, capstan_fuzz::seed_of_commit(), TIME) {
        panic!("text {}: {:?}\n{}", failure.number, failure.text, failure.why);
    }
}

#[test]
fn yaml() {
    holds(Target::Yaml);
}

#[test]
fn json_patch() {
    holds(Target::JsonPatch);
}

#[test]
fn envsubst() {
    holds(Target::Envsubst);
}

#[test]
fn ignore() {
    holds(Target::Ignore);
}
