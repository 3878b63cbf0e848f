//! What to do next with a managed resource. No effects: what is known goes in, one step comes out.
//!
//! A pass asks for a step, does it, adds what it learned, and asks again until the answer is to rest. A crash anywhere
//! loses only what was learned; what must survive is in the object's annotations.

use std::time::Duration;

use capstan_cloud::{Class, CloudError};
use jiff::{SignedDuration, Timestamp};

use crate::graph::Hold;
use crate::kind::{CreateClass, Drift, InitialName, KindMeta, Owner, State};
use crate::managed::{Intent, Managed, Policy};
use crate::names;

/// Clocks of services and ours may differ by this much when the age of a resource is judged.
const SKEW: SignedDuration = SignedDuration::from_secs(5);

/// Everything that is known in a pass.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) object: Managed<'a>,
    pub(crate) meta: &'a KindMeta,
    pub(crate) now: Timestamp,
    /// How long a service may not show what it made.
    pub(crate) window: Duration,
    /// Why a referenced value is missing.
    pub(crate) missing: Option<&'a Hold>,
    /// Why a create would be too early, although every value is known.
    pub(crate) unready: Option<&'a Hold>,
    /// Who must be gone first.
    pub(crate) blocker: Option<&'a Hold>,
    pub(crate) sight: &'a Sight,
    pub(crate) done: Done,
}

/// What was seen of the external resource in this pass.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Sight {
    /// Nobody looked yet, or something was done since.
    NotLooked,
    /// What it lives in is gone.
    Gone,
    /// There is none.
    Absent,
    /// It exists.
    Present(Seen),
}

/// A resource that was seen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) state: State,
    pub(crate) diff: Vec<Drift>,
    pub(crate) owner: Owner,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) external_name: Option<String>,
}

/// What was done in this pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// An intent was recorded, and the create not called yet.
    pub(crate) intended: bool,
    pub(crate) updated: bool,
    pub(crate) deleted: bool,
}

/// The next thing to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Write finalizer and initial external name.
    Initialise,
    /// Look at the resource.
    Observe,
    /// Write down that a create is about to be called. `forget` drops the id of a resource that is gone.
    RecordIntent { forget: bool },
    /// Call create.
    Create,
    /// Write down that the resource exists and is ours.
    RecordCreated { external_name: Option<String> },
    /// Write down that the create came to nothing, so that a new one is meant from now on.
    RecordFailed,
    /// Call update.
    Update,
    /// Call delete.
    Delete,
    /// Let the object go.
    RemoveFinalizer,
    /// Nothing more in this pass.
    Rest(Rest),
}

/// The end of a pass: what the conditions say, and when to look again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rest {
    pub(crate) ready: Ready,
    pub(crate) synced: Synced,
    pub(crate) look: Look,
}

/// The condition `Ready`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    Available,
    Creating(String),
    Deleting(String),
    Unavailable(String),
    /// As it was; `Creating` where nothing was said yet.
    Keep,
}

/// The condition `Synced`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Synced {
    Success,
    Error(String),
    Paused,
}

/// When to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Something is under way: soon, and then less often.
    Soon,
    /// At rest: seldom.
    Steady,
    /// An event wakes us; seldom as a safety net.
    WhenWoken,
    /// At a time.
    At(Timestamp),
    /// After a growing delay.
    Backoff,
    /// Never again: the object is gone.
    Never,
}

fn rest(ready: Ready, synced: Synced, look: Look) -> Step {
    Step::Rest(Rest { ready, synced, look })
}

/// The next step.
pub(crate) fn decide(facts: &Facts<'_>) -> Step {
    let object = facts.object;
    if object.is_paused() {
        return rest(Ready::Keep, Synced::Paused, Look::WhenWoken);
    }
    let policy = match object.policy() {
        Ok(policy) => policy,
        Err(message) => return rest(Ready::Keep, Synced::Error(message), Look::WhenWoken),
    };
    if object.0.is_deleting() {
        return deletion(facts, policy);
    }
    if needs_initialising(facts, policy) {
        return Step::Initialise;
    }
    if let Some(hold) = waits(facts) {
        return if object.was_seen() {
            // What works goes on to work; only its upkeep has to wait.
            rest(Ready::Keep, Synced::Error(hold.message.clone()), Look::WhenWoken)
        } else {
            held(hold, Ready::Creating(hold.message.clone()))
        };
    }
    match facts.sight {
        Sight::NotLooked => Step::Observe,
        Sight::Gone => {
            let message = "what it lives in is gone or being deleted".to_owned();
            rest(Ready::Unavailable(message), Synced::Success, Look::WhenWoken)
        }
        Sight::Absent => absent(facts, policy),
        Sight::Present(seen) => present(facts, policy, seen),
    }
}

fn needs_initialising(facts: &Facts<'_>, policy: Policy) -> bool {
    let nameless = facts.meta.initial_external_name == InitialName::MetadataName
        && facts.object.external_name().is_none();
    nameless || (!policy.only_observes() && !facts.object.has_finalizer(names::FINALIZER))
}

/// What was never created waits for everything that its create needs; what exists needs only its values.
fn waits<'a>(facts: &Facts<'a>) -> Option<&'a Hold> {
    let never = !facts.object.was_seen() && facts.object.intent() == Intent::None;
    facts.missing.or(facts.unready.filter(|_| never))
}

fn held(hold: &Hold, ready: Ready) -> Step {
    if hold.broken {
        rest(ready, Synced::Error(hold.message.clone()), Look::WhenWoken)
    } else {
        rest(ready, Synced::Success, Look::WhenWoken)
    }
}

fn absent(facts: &Facts<'_>, policy: Policy) -> Step {
    if facts.done.intended {
        return Step::Create;
    }
    if !policy.create {
        let message = "the external resource does not exist, and spec.managementPolicies do not allow to create it";
        return rest(
            Ready::Unavailable(message.to_owned()),
            Synced::Error(message.to_owned()),
            Look::Steady,
        );
    }
    if let Some(hold) = facts.unready {
        return held(hold, Ready::Creating(hold.message.clone()));
    }
    match facts.object.intent() {
        Intent::None | Intent::Failed => intend(facts),
        Intent::Pending(at) => match facts.meta.create {
            // The name or the token makes a second call harmless.
            CreateClass::Named | CreateClass::Token => Step::Create,
            CreateClass::Tagged => match still_hidden(facts, at) {
                Some(until) => rest(
                    Ready::Creating(format!(
                        "a create was called at {at} and its answer was lost; until {until} it is looked up by its owner tag"
                    )),
                    Synced::Success,
                    look_until(facts, until),
                ),
                None => intend(facts),
            },
        },
        Intent::Succeeded(at) => {
            let may_be_hidden = facts.meta.create != CreateClass::Named || !facts.object.was_seen();
            match still_hidden(facts, at).filter(|_| may_be_hidden) {
                Some(until) => rest(
                    Ready::Creating(format!("created at {at}, the service does not show it yet")),
                    Synced::Success,
                    look_until(facts, until),
                ),
                // Somebody deleted it: it is made again.
                None => intend(facts),
            }
        }
    }
}

/// A new intent. The id of a resource that is gone would hide its successor from the lookup by tag.
fn intend(facts: &Facts<'_>) -> Step {
    let service_names = facts.meta.initial_external_name == InitialName::None;
    Step::RecordIntent { forget: service_names && facts.object.external_name().is_some() }
}

/// The time until which something made at `at` may not be shown; nothing when it is over.
fn still_hidden(facts: &Facts<'_>, at: Timestamp) -> Option<Timestamp> {
    let until = at.saturating_add(facts.window).ok()?;
    (facts.now < until).then_some(until)
}

/// Looks soon, so that what shows up early is taken early, and once more at the end of the window.
fn look_until(facts: &Facts<'_>, until: Timestamp) -> Look {
    let far = until.duration_since(facts.now) > SignedDuration::from_secs(10);
    if far { Look::Soon } else { Look::At(until) }
}

fn present(facts: &Facts<'_>, policy: Policy, seen: &Seen) -> Step {
    match verify(facts, seen) {
        Claim::Refused(message) => {
            return rest(Ready::Unavailable(message.clone()), Synced::Error(message), Look::Steady);
        }
        Claim::ToRecord => {
            return Step::RecordCreated { external_name: seen.external_name.clone() };
        }
        Claim::Ours => {}
    }
    if let State::Failed { replace: true, .. } = &seen.state
        && policy.create
        && policy.delete
    {
        return replace(facts);
    }
    let fixable = seen.diff.iter().any(|drift| !drift.immutable);
    if fixable && policy.update && !facts.done.updated {
        return Step::Update;
    }
    let immutable = seen.diff.iter().find(|drift| drift.immutable).map(immutable_message);
    let pending = fixable && policy.update;
    let (ready, busy) = match &seen.state {
        State::Ready => (Ready::Available, pending),
        State::Updating => (Ready::Available, true),
        State::Creating => (Ready::Creating(String::new()), true),
        State::Deleting => (Ready::Unavailable("the service is deleting it".to_owned()), true),
        State::Failed { message, .. } => (Ready::Unavailable(message.clone()), pending),
    };
    let synced = immutable.map_or(Synced::Success, Synced::Error);
    rest(ready, synced, if busy { Look::Soon } else { Look::Steady })
}

/// A new intent is recorded before the failed resource goes, so that its successor has a token of its own.
fn replace(facts: &Facts<'_>) -> Step {
    if facts.object.intent() != Intent::Failed {
        Step::RecordFailed
    } else if facts.done.deleted {
        rest(
            Ready::Creating("it failed, and is being replaced".to_owned()),
            Synced::Success,
            Look::Soon,
        )
    } else {
        Step::Delete
    }
}

fn immutable_message(drift: &Drift) -> String {
    format!(
        "spec.forProvider.{} cannot be changed from {} to {}: revert the edit, or delete this object and make a new one",
        drift.field, drift.found, drift.wanted
    )
}

/// Whose is a resource that exists?
enum Claim {
    Ours,
    /// Ours, and the object does not say so yet.
    ToRecord,
    Refused(String),
}

fn verify(facts: &Facts<'_>, seen: &Seen) -> Claim {
    let object = facts.object;
    let adopt = object.is_true(names::ADOPT);
    let ours = matches!(&seen.owner, Owner::Uid(uid) if uid == object.0.uid());
    let foreign = match &seen.owner {
        Owner::Uid(uid) if !ours && !adopt => Some(uid),
        _ => None,
    };
    let refused = |why: String| {
        Claim::Refused(format!(
            "the external resource exists already and {why}: choose another name, or set the annotation {}: \"true\" to take it over",
            names::ADOPT
        ))
    };
    let unnamed =
        seen.external_name.as_deref().is_some_and(|name| object.external_name() != Some(name));
    match object.intent() {
        // What carries another name than the object says has moved on: the record follows.
        Intent::Succeeded(_) if unnamed => Claim::ToRecord,
        Intent::Succeeded(_) => Claim::Ours,
        _ if foreign.is_some() => refused(format!(
            "belongs to the managed resource with UID {}",
            foreign.map_or("", String::as_str)
        )),
        // What was there before any intent is imported, as Crossplane does.
        Intent::None | Intent::Failed if unnamed => Claim::ToRecord,
        Intent::None | Intent::Failed => Claim::Ours,
        Intent::Pending(_) if ours || adopt => Claim::ToRecord,
        Intent::Pending(at) => match (seen.created_at, &seen.owner) {
            (Some(created), _) if created.saturating_add(SKEW).is_ok_and(|latest| latest < at) => {
                refused(format!("is older than the create that was intended at {at}"))
            }
            (None, Owner::Nobody) => refused("carries no owner tag".to_owned()),
            _ => Claim::ToRecord,
        },
    }
}

fn deletion(facts: &Facts<'_>, policy: Policy) -> Step {
    let object = facts.object;
    let deleting = |message: String, look| rest(Ready::Deleting(message), Synced::Success, look);
    if !object.has_finalizer(names::FINALIZER) {
        return rest(Ready::Keep, Synced::Success, Look::Never);
    }
    if *facts.sight == Sight::Gone {
        return Step::RemoveFinalizer;
    }
    if let Some(holder) = object.holder() {
        return in_use(facts, &holder);
    }
    if let Some(hold) = facts.blocker {
        return deleting(hold.message.clone(), Look::WhenWoken);
    }
    if !policy.delete || never_created(facts) {
        return Step::RemoveFinalizer;
    }
    if let Some(hold) = facts.missing {
        return rest(
            Ready::Deleting(hold.message.clone()),
            Synced::Error(format!("cannot tell what to delete: {}", hold.message)),
            Look::WhenWoken,
        );
    }
    match facts.sight {
        Sight::NotLooked => Step::Observe,
        Sight::Gone => Step::RemoveFinalizer,
        Sight::Absent => match may_still_show(facts) {
            Some(until) => deleting(
                format!("a create was called, and what it made may show up until {until}"),
                look_until(facts, until),
            ),
            None => Step::RemoveFinalizer,
        },
        Sight::Present(seen) => match (verify(facts, seen), &seen.state) {
            (Claim::Refused(_), _) => Step::RemoveFinalizer,
            (_, State::Deleting) => deleting(String::new(), Look::Soon),
            _ if facts.done.deleted => deleting(String::new(), Look::Soon),
            _ => Step::Delete,
        },
    }
}

/// What somebody needs is left alone, and looked at as ever: a spoke drains with the credentials of its cluster, which end
/// unless they are written anew.
fn in_use(facts: &Facts<'_>, holder: &str) -> Step {
    let can_look = facts.missing.is_none() && !never_created(facts);
    if *facts.sight == Sight::NotLooked && can_look {
        return Step::Observe;
    }
    let message = format!("in use by {holder}: it is deleted when that has let it go");
    rest(Ready::Deleting(message), Synced::Success, Look::WhenWoken)
}

/// Nothing that is ours can exist: no create was meant or answered with success, nothing was ever seen or taken over, and
/// there is no id to look for.
fn never_created(facts: &Facts<'_>) -> bool {
    let object = facts.object;
    let no_id = facts.meta.initial_external_name == InitialName::MetadataName
        || object.external_name().is_none();
    matches!(object.intent(), Intent::None | Intent::Failed) && !object.was_seen() && no_id
}

/// Until when an absent resource may still show up, because its create is young.
fn may_still_show(facts: &Facts<'_>) -> Option<Timestamp> {
    if facts.done.deleted {
        return None;
    }
    match facts.object.intent() {
        Intent::Pending(at) if facts.meta.create != CreateClass::Named => still_hidden(facts, at),
        Intent::Succeeded(at) if !facts.object.was_seen() => still_hidden(facts, at),
        _ => None,
    }
}

/// What a failed create means for the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterRefusal {
    /// It exists: look whose it is.
    Look,
    /// Nothing was made: a later create is a new one.
    RecordFailed,
    /// The same create is tried again, or looked up.
    KeepIntent,
}

/// Judges a failed create.
pub(crate) fn after_failed_create(class: CreateClass, error: &CloudError) -> AfterRefusal {
    match error.class {
        Class::Exists => AfterRefusal::Look,
        Class::Unanswered => AfterRefusal::KeepIntent,
        // The same call is right a little later; its name or token lets it be repeated without a new intent.
        Class::Throttled | Class::NotYet if class != CreateClass::Tagged => {
            AfterRefusal::KeepIntent
        }
        _ => AfterRefusal::RecordFailed,
    }
}
