use std::time::Duration;

use serde_json::json;

use crate::chance::Chance;
use crate::door::Faults;
use crate::fleet::{Fleet, Revision, SHARED, Unit, Wanted};

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Time passes.
    Wait(Duration),
    /// The source has its next revision.
    Push,
    /// Git is away: a process that starts has what is on its disk, and nothing newer.
    GitAway,
    /// Git is back.
    GitBack,
    /// The agent's process dies.
    Crash,
    /// Somebody edits an object by hand: the n-th of those that are there.
    Edit(usize),
    /// Somebody deletes it.
    Delete(usize),
    /// Another manager puts a field of its own on it.
    Share(usize),
    /// Another manager takes a field of ours by force.
    Take(usize),
    /// A finalizer holds it until it is let go.
    Hold(usize),
    /// All finalizers let go.
    LetGo,
    /// A unit is asked to reconcile.
    Request(usize),
    /// A unit's spec changes in what its objects do not show.
    Respec(usize),
}

/// What happens, and to whom.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Units and revisions.
    pub fleet: Fleet,
    /// In this order.
    pub steps: Vec<Step>,
    /// What goes wrong meanwhile.
    pub faults: Faults,
    /// Units go in the end, under faults, in this order.
    pub removed: Vec<usize>,
}

/// The names of a unit's objects.
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::of(seed, "plan");
        let units: Vec<Unit> = (0..1 + chance.below(3))
            .map(|number| {
                let depends_on = (0..number).filter(|_| chance.one_in(2)).collect();
                Unit { depends_on, wait: chance.one_in(2), force: chance.one_in(4) }
            })
            .collect();
        let first = units.iter().enumerate().map(|(unit, spec)| {
            let mut wanted = Wanted::new();
            for name in NAMES.iter().take(1 + chance.below(4)) {
                put(&mut wanted, unit, spec, name, 0, &mut chance);
            }
            Some(wanted)
        });
        let mut fleet = Fleet { revisions: vec![first.collect()], units };
        let mut steps = Vec::new();
        for _ in 0..4 + chance.below(20) {
            steps.push(Step::Wait(pause(&mut chance)));
            let step = step(&mut chance, fleet.units.len());
            if step == Step::Push {
                let next = next(&fleet, &mut chance);
                fleet.revisions.push(next);
            }
            steps.push(step);
        }
        steps.extend([Step::GitBack, Step::LetGo]);
        // In the end all is well.
        let number = fleet.revisions.len();
        fleet.revisions.push(mended(&fleet, number));
        steps.push(Step::Push);
        share(&mut fleet, &mut Chance::of(seed, "shared"));
        let faults = faults(&mut chance);
        let mut removed = Vec::new();
        if chance.one_in(2) {
            removed = (0..fleet.units.len()).collect();
            removed.sort_by_key(|_| chance.number());
        }
        Self { fleet, steps, faults, removed }
    }
}

fn pause(chance: &mut Chance) -> Duration {
    let end = *chance.pick(&[5, 50, 500, 5_000, 60_000, 60_000, 700_000]);
    Duration::from_millis(chance.below(end) as u64)
}

fn step(chance: &mut Chance, units: usize) -> Step {
    let some = chance.below(100);
    match chance.below(24) {
        0..=9 => Step::Push,
        10 => Step::GitAway,
        11 => Step::GitBack,
        12 | 13 => Step::Crash,
        14 | 15 => Step::Edit(some),
        16 | 17 => Step::Delete(some),
        18 => Step::Share(some),
        19 => Step::Take(some),
        20 => Step::Hold(some),
        21 => Step::LetGo,
        22 => Step::Request(some % units),
        _ => Step::Respec(some % units),
    }
}

fn faults(chance: &mut Chance) -> Faults {
    let mut rate = |rates: &[usize]| *chance.pick(rates);
    Faults {
        lost: rate(&[0, 0, 30, 8]),
        refused: rate(&[0, 0, 30, 8]),
        reset: rate(&[0, 0, 30, 8]),
        hang: rate(&[0, 0, 0, 100]),
        crash: rate(&[0, 40, 12]),
        crashes: 6,
        stale: rate(&[0, 0, 3]),
        watch: rate(&[0, 6, 2]),
    }
}

/// The revision after the last one.
fn next(fleet: &Fleet, chance: &mut Chance) -> Revision {
    let number = fleet.revisions.len();
    let change = |(unit, spec): (usize, &Unit)| {
        if chance.one_in(10) {
            return None;
        }
        let mut wanted = fleet.good(unit, number - 1).map(|(_, w)| w.clone()).unwrap_or_default();
        if chance.one_in(3) {
            return Some(wanted);
        }
        for _ in 0..1 + chance.below(3) {
            let name = *chance.pick(&NAMES);
            if chance.one_in(3) {
                wanted.retain(|(_, held), _| *held != object_name(unit, name));
            } else {
                put(&mut wanted, unit, spec, name, number, chance);
            }
        }
        Some(wanted)
    };
    fleet.units.iter().enumerate().map(change).collect()
}

/// The last revision, whole and healthy.
fn mended(fleet: &Fleet, number: usize) -> Revision {
    let mend = |unit: usize| {
        let mut wanted = fleet.good(unit, number - 1).map(|(_, w)| w.clone()).unwrap_or_default();
        for ((kind, _), content) in &mut wanted {
            if kind == "Widget" && content.1["spec"]["healthy"] == false {
                *content = (number, widget(number, true));
            }
        }
        Some(wanted)
    };
    (0..fleet.units.len()).map(mend).collect()
}

/// In some plans units want the same object, or hand it over, each with a content of its own.
fn share(fleet: &mut Fleet, chance: &mut Chance) {
    if !chance.one_in(3) {
        return;
    }
    for unit in 0..fleet.units.len() {
        let mut since = None;
        for (number, revision) in fleet.revisions.iter_mut().enumerate() {
            since = match since {
                None if chance.one_in(2) => Some(number),
                Some(_) if chance.one_in(4) => None,
                since => since,
            };
            if let (Some(since), Some(wanted)) = (since, &mut revision[unit]) {
                let data = json!({"rev": since.to_string(), "value": format!("of unit {unit}")});
                let place = ("ConfigMap".to_owned(), SHARED.to_owned());
                wanted.insert(place, (since, json!({ "data": data })));
            }
        }
    }
}

fn object_name(unit: usize, name: &str) -> String {
    format!("u{unit}-{name}")
}

/// Puts an object into what a unit wants, as a revision has it.
fn put(
    wanted: &mut Wanted,
    unit: usize,
    spec: &Unit,
    name: &str,
    number: usize,
    chance: &mut Chance,
) {
    let named = object_name(unit, name);
    if chance.one_in(4) {
        wanted.insert(("Widget".to_owned(), named), (number, widget(number, !chance.one_in(5))));
        return;
    }
    let mut data = json!({"rev": number.to_string(), "value": chance.below(10).to_string()});
    if chance.one_in(3) {
        data[format!("extra-{}", chance.below(3))] = "x".into();
    }
    let mut content = json!({ "data": data });
    if spec.force && chance.one_in(2) {
        content["immutable"] = true.into();
    }
    wanted.insert(("ConfigMap".to_owned(), named), (number, content));
}

fn widget(number: usize, healthy: bool) -> serde_json::Value {
    json!({"spec": {"rev": number.to_string(), "healthy": healthy}})
}
