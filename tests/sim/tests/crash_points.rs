//! The process dies at every single request of a small story, before it is carried out or after: the end is the same.

use capstan_sim::{CrashPoint, Faults, Fleet, Plan, Step, Unit, Wanted, run};
use serde_json::json;
use std::time::Duration;

fn wanted(objects: &[(&str, &str, usize)]) -> Option<Wanted> {
    let one = |(kind, name, number): &(&str, &str, usize)| {
        let rev = number.to_string();
        let content = if *kind == "Widget" {
            json!({"spec": {"rev": rev, "healthy": true}})
        } else {
            json!({"data": {"rev": rev}})
        };
        (((*kind).to_owned(), (*name).to_owned()), (*number, content))
    };
    Some(objects.iter().map(one).collect())
}

/// Two units, one after the other: objects come, change, and go; one is edited by hand, and one unit goes.
fn story() -> Plan {
    let units = vec![
        Unit { wait: true, ..Unit::default() },
        Unit { depends_on: vec![0], ..Unit::default() },
    ];
    let (map, widget) = ("ConfigMap", "Widget");
    let revisions = vec![
        vec![
            wanted(&[(map, "u0-a", 0), (map, "u0-b", 0), (widget, "u0-w", 0)]),
            wanted(&[(map, "u1-a", 0), (map, "u1-b", 0)]),
        ],
        vec![
            wanted(&[(map, "u0-a", 1), (map, "u0-c", 1), (widget, "u0-w", 1)]),
            wanted(&[(map, "u1-a", 0)]),
        ],
        vec![wanted(&[(map, "u0-a", 1), (map, "u0-b", 2)]), wanted(&[(map, "u1-c", 2)])],
    ];
    let wait = Step::Wait(Duration::from_secs(30));
    let steps = vec![wait.clone(), Step::Push, wait.clone(), Step::Edit(0), wait, Step::Push];
    let fleet = Fleet { units, revisions };
    Plan { fleet, steps, faults: Faults::default(), removed: vec![1] }
}

/// At each of these points, and in each of these ways.
fn dies(of_writes: bool, ways: impl Fn(u64) -> Vec<bool>) {
    let plan = story();
    let whole = run(1, &plan, None).unwrap_or_else(|why| panic!("{why}"));
    let count = if of_writes { whole.writes } else { whole.requests };
    assert!(count > 20, "only {count} requests");
    let mut failed = Vec::new();
    let (mut tries, mut deaths) = (0, 0);
    for request in 0..count {
        for after in ways(request) {
            let point = CrashPoint { request, of_writes, after };
            tries += 1;
            match run(1, &plan, Some(point)) {
                Ok(ended) => {
                    deaths += ended.crashes;
                    if ended.objects != whole.objects {
                        failed.push(format!("{point:?}: {:?}", ended.objects));
                    }
                }
                Err(why) => failed.push(format!("{point:?}: {why}")),
            }
        }
    }
    assert!(failed.is_empty(), "{} points:\n{}", failed.len(), failed.join("\n\n"));
    // The end of a story, such as its last events, may differ from run to run.
    assert!(deaths > tries / 2, "only {deaths} deaths in {tries} runs");
}

#[test]
fn the_process_may_die_at_some_writes() {
    dies(true, |request| if request % 4 == 0 { vec![request % 8 == 0] } else { Vec::new() });
}

#[test]
#[ignore = "long: a minute"]
fn the_process_may_die_at_every_write() {
    dies(true, |_| vec![false, true]);
}

#[test]
#[ignore = "long: minutes"]
fn the_process_may_die_at_every_request() {
    dies(false, |_| vec![false, true]);
}
