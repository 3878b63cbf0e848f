//! A sample of random overlays against the real kustomize. It is the same for every commit, so that a red test is the
//! commit's own doing; `cargo xtask fuzz` looks elsewhere each time.

use std::time::Duration;

use capstan_fuzz::kustomize::{Programs, Run, compared, run};
use capstan_kit::{Part, Parts};

#[test]
fn random_overlays_build_as_kustomize_builds_them() {
    let parts = Parts::find_or_build(&[Part::Kustomize, Part::KustomizeServe]).expect("the parts");
    let path = |part| parts.path(part).expect("a part").to_owned();
    let programs = Programs { serve: path(Part::KustomizeServe), kustomize: path(Part::Kustomize) };
    let seed = 1;
    let sample = Run {
        seed,
        first: 0,
        cases: 300,
        time: Duration::from_secs(300),
        threads: 2,
        differences: 1,
    };
    let summary = run(&programs, &sample).expect("kustomize runs");
    if let Some(found) = summary.differences.first() {
        panic!(
            "`cargo xtask fuzz kustomize --seed {seed} --first {}` finds:\n{:#}\n{}",
            found.number,
            found.record,
            compared(&found.ours, &found.theirs)
        );
    }
    assert!(summary.built > 60, "too few cases build: {summary:?}");
}
