//! The changes of the ledger: which are allowed, which are told as done, and what each leaves.

use super::{Canary, Commit, Ledger, Percent, Refusal, Retention, Target};
use crate::guards::Guards;
use crate::key::Digest;
use portcullis_release_manifest::serving::{Asked, Stored};
use portcullis_site::Name;

const ALL: Guards = Guards::ALL;

fn release(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

/// The ledger after `name` was published at `now`.
fn published(ledger: &Ledger, name: &str, target: &Target, now: u64) -> Ledger {
    let leased = ledger
        .lease_to("ci", ledger.fence + 1, now, 60)
        .unwrap()
        .unwrap();
    let commit = commit(&leased, name, target.clone());
    leased.commit(&commit, now, ALL).unwrap().unwrap()
}

fn commit(leased: &Ledger, name: &str, target: Target) -> Commit {
    Commit {
        fence: leased.fence,
        over: leased.live_since(),
        release: release(name),
        era: leased.era,
        target,
    }
}

fn site(names: &[&str]) -> Ledger {
    let publish = |ledger, name: &&str| published(&ledger, name, &Target::Live, 100);
    names.iter().fold(Ledger::default(), publish)
}

fn live(ledger: &Ledger) -> Option<Digest> {
    ledger.live.map(|live| live.release)
}

#[test]
fn a_ledger_is_read_back_as_it_was_written() {
    let ledger = site(&["a", "b"])
        .condemn(KEEP_NONE, 1_000, ALL)
        .unwrap()
        .unwrap();
    assert_eq!(Ledger::from_json(&ledger.to_json().unwrap()), Ok(ledger));
    assert!(Ledger::from_json(b"[]").is_err());
    assert!(Ledger::from_json(br#"{"version":1}"#).is_err());
}

#[test]
fn a_lease_is_refused_to_others_until_it_ends_and_given_again_to_its_holder() {
    let ledger = Ledger::default()
        .lease_to("ci", 1, 100, 60)
        .unwrap()
        .unwrap();
    let busy = Refusal::Busy {
        holder: "ci".to_owned(),
        until: 160,
    };
    assert_eq!(ledger.lease_to("me", 2, 159, 60), Err(busy));
    assert_eq!(ledger.lease_to("ci", 1, 159, 60), Ok(None));
    for (holder, now) in [("me", 160), ("ci", 101)] {
        let taken = ledger.lease_to(holder, 2, now, 60).unwrap().unwrap();
        assert_eq!(taken.fence, 2);
        assert_eq!(
            taken.commit(&commit(&ledger, "a", Target::Live), now, ALL),
            Err(Refusal::Fenced)
        );
        assert_eq!(taken.renew(1, now, 60), Err(Refusal::Fenced));
    }
    assert_eq!(ledger.lease_to("", 2, 100, 60), Err(Refusal::Holder));
}

#[test]
fn a_flip_made_twice_is_one_flip() {
    let leased = site(&["a"]).lease_to("ci", 9, 100, 60).unwrap().unwrap();
    let commit = commit(&leased, "b", Target::Live);
    let flipped = leased.commit(&commit, 100, ALL).unwrap().unwrap();
    assert_eq!(live(&flipped), Some(release("b")));
    assert_eq!(flipped.commit(&commit, 100, ALL), Ok(None));
}

#[test]
fn a_rollback_is_a_higher_epoch_and_overtakes_who_publishes() {
    let ledger = site(&["a", "b"]);
    let leased = ledger.lease_to("ci", 9, 100, 60).unwrap().unwrap();
    let earlier = leased.earlier().unwrap();
    assert_eq!(earlier, release("a"));
    let back = leased
        .move_to(earlier, &Target::Live, 101, ALL)
        .unwrap()
        .unwrap();
    assert_eq!(
        (live(&back), back.epoch),
        (Some(release("a")), ledger.epoch + 1)
    );
    let late = commit(&leased, "c", Target::Live);
    assert_eq!(back.commit(&late, 102, ALL), Err(Refusal::Overtaken));
    let preview = commit(&leased, "c", Target::Preview(Name::new("next").unwrap()));
    assert!(back.commit(&preview, 102, ALL).is_ok());
    // And forward again: the earlier one is now the one that was left.
    assert_eq!(back.earlier(), Ok(release("b")));
    assert_eq!(site(&["a"]).earlier(), Err(Refusal::NoEarlier));
    assert_eq!(
        back.move_to(release("x"), &Target::Live, 1, ALL),
        Err(Refusal::Unknown(release("x")))
    );
}

const KEEP_NONE: Retention = Retention {
    releases: 0,
    min_age: 49,
    grace: 9,
    slack: 1,
};

#[test]
fn a_collection_takes_what_is_unused_long_enough_and_nothing_that_is_served() {
    let preview = Target::Preview(Name::new("next").unwrap());
    let ledger = published(&site(&["old", "a", "b"]), "p", &preview, 100);
    let ledger = published(&ledger, "c", &Target::Canary(Percent::new(5).unwrap()), 100);
    let expired = |keep: Retention, now| ledger.expired(keep, now, ALL).collect::<Vec<_>>();
    assert_eq!(expired(KEEP_NONE, 149), []);
    assert_eq!(expired(KEEP_NONE, 150), [release("old"), release("a")]);
    assert_eq!(
        expired(
            Retention {
                releases: 4,
                ..KEEP_NONE
            },
            150
        ),
        [release("old")]
    );
    assert_eq!(expired(KEEP_NONE, u64::MAX), [release("old"), release("a")]);

    let leased = ledger.lease_to("ci", 99, 150, 60).unwrap().unwrap();
    assert!(matches!(
        leased.condemn(KEEP_NONE, 209, ALL),
        Err(Refusal::Busy { .. })
    ));
    let condemned = leased.condemn(KEEP_NONE, 210, ALL).unwrap().unwrap();
    let late = commit(&leased, "d", Target::Live);
    assert_eq!(condemned.commit(&late, 211, ALL), Err(Refusal::Fenced));
    assert_eq!(condemned.era, ledger.era + 1);
    assert_eq!(condemned.sweep_at(KEEP_NONE, ALL), Some(220));
    let dead = Err(Refusal::Condemned(release("a")));
    assert_eq!(
        condemned.move_to(release("a"), &Target::Live, 211, ALL),
        dead
    );
    assert_eq!(condemned.condemn(KEEP_NONE, 211, ALL), Ok(None));

    let swept = condemned
        .swept(condemned.collection.unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(swept.releases.len(), 3);
    assert_eq!(swept.swept(condemned.collection.unwrap()), Ok(None));
}

#[test]
fn a_trial_takes_its_share_of_the_viewers_and_keeps_them_as_it_grows() {
    let takes = |percent, viewer: u32, held| {
        let share = Percent::new(percent).unwrap();
        Canary {
            release: release("c"),
            share,
            held,
        }
        .takes(&viewer.to_be_bytes())
    };
    let taken = (0..10_000)
        .filter(|viewer| takes(10, *viewer, false))
        .count();
    assert!((900..1_100).contains(&taken), "{taken} of 10000");
    for viewer in 0..10_000 {
        assert!(!takes(10, viewer, false) || takes(11, viewer, false));
        assert!(takes(100, viewer, false) && !takes(100, viewer, true));
    }
}

#[test]
fn a_trial_is_held_promoted_and_withdrawn_by_one_write_each() {
    let share = Percent::new(5).unwrap();
    let ledger = published(&site(&["a"]), "c", &Target::Canary(share), 100);
    let held = ledger.hold(release("c"), 100).unwrap().unwrap();
    assert_eq!(held.hold(release("c"), 100), Ok(None));
    assert_eq!(held.hold(release("a"), 100), Err(Refusal::NoCanary));
    let promoted = held.promote(100).unwrap().unwrap();
    assert_eq!(
        (live(&promoted), promoted.canary),
        (Some(release("c")), None)
    );
    assert_eq!(promoted.promote(100), Err(Refusal::NoCanary));
    let withdrawn = held.withdraw(100).unwrap().unwrap();
    assert_eq!(
        (live(&withdrawn), withdrawn.canary),
        (Some(release("a")), None)
    );
    assert_eq!(withdrawn.withdraw(100), Ok(None));
}

#[test]
fn a_request_is_answered_by_its_preview_its_trial_or_what_is_live() {
    let name = Name::new("next").unwrap();
    let ledger = published(&site(&["a", "b"]), "p", &Target::Preview(name.clone()), 100);
    let ledger = published(
        &ledger,
        "c",
        &Target::Canary(Percent::new(100).unwrap()),
        100,
    );
    let stored = |name: &str| Stored {
        release: release(name),
        era: ledger.record(&release(name)).unwrap().era,
    };
    let serving = ledger.serving();
    assert_eq!(serving.epoch, ledger.epoch);
    let answering = |preview, sticky| {
        let answering = serving.answering(Asked { preview, sticky })?;
        Some(answering.release)
    };
    assert_eq!(answering(None, None), Some(release("b")));
    assert_eq!(answering(None, Some(b"viewer")), Some(release("c")));
    assert_eq!(answering(Some("next"), Some(b"viewer")), Some(release("p")));
    assert_eq!(answering(Some("other"), None), None);
    // Never what was only previewed.
    let order: Vec<_> = ledger.lookup_order(release("b"), ALL).collect();
    assert_eq!(order, [release("b"), release("c"), release("a")]);
    assert_eq!(
        serving.others(stored("b")).collect::<Vec<_>>(),
        [stored("c"), stored("a")]
    );
    // Held, it takes nobody, and what was opened from it goes on.
    let held = ledger.hold(release("c"), 100).unwrap().unwrap().serving();
    assert_eq!(held.canary, None);
    assert!(held.kept.contains(&stored("c")));
}
