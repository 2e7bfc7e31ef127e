//! The file is always a whole state, and its parts go forward only.

use super::{FileState, UpdateError};
use crate::state::{
    Back, HeldBack, Part, STATE_BYTES_MAX, SecretDigest, Secrets, StateError, StateStore as _,
};
use std::fs;

fn bump(secrets: &mut Secrets, value: &str) {
    secrets.version += 1;
    secrets.current = Some(SecretDigest::of(value.as_bytes()));
}

#[tokio::test]
async fn a_change_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = FileState::new(folder.path().join("state.json"));
    assert_eq!(file.load().await, Err(StateError::Missing));
    let written = file.update(|state| bump(&mut state.secrets, "a")).unwrap();
    assert_eq!(file.load().await, Ok(written.clone()));
    assert_eq!(written.secrets.version, 1);
}

#[tokio::test]
async fn a_change_that_takes_a_part_back_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = FileState::new(folder.path().join("state.json"));
    let written = file.update(|state| bump(&mut state.secrets, "a")).unwrap();
    for (version, why) in [(0, Back::Older), (1, Back::SameVersionChanged)] {
        let change = file.update(|state| {
            state.secrets = Secrets {
                version,
                ..Secrets::default()
            }
        });
        let Err(UpdateError::Back(held_back)) = change else {
            panic!("{change:?}");
        };
        assert_eq!(
            held_back,
            [HeldBack {
                part: Part::Secrets,
                why
            }]
        );
    }
    assert_eq!(file.load().await, Ok(written));
}

#[tokio::test]
async fn what_is_no_state_is_malformed_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let file = FileState::new(&path);
    let long = " ".repeat(STATE_BYTES_MAX + 1);
    let plus = format!(
        r#"{{"secrets":{{"version":1,"current":"{}"}}}}"#,
        "+f".repeat(32)
    );
    for text in [
        "",
        "{",
        "[]",
        "null",
        r#"{"unknown":1}"#,
        r#"{"secrets":{"version":-1}}"#,
        &plus,
        &long,
    ] {
        fs::write(&path, text).unwrap();
        let loaded = file.load().await;
        assert!(
            matches!(loaded, Err(StateError::Malformed(_))),
            "{loaded:?} from {text:.80}"
        );
        assert!(matches!(
            file.update(|_| ()),
            Err(UpdateError::Unreadable(_))
        ));
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(file.load().await, Err(StateError::Unavailable(_))));
}

#[tokio::test]
async fn what_a_stopped_writer_leaves_behind_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let file = FileState::new(folder.path().join("state.json"));
    let before = file.update(|state| bump(&mut state.secrets, "a")).unwrap();
    fs::write(folder.path().join("state.json_new"), "{\"secr").unwrap();
    assert_eq!(file.load().await, Ok(before));
    let after = file.update(|state| bump(&mut state.secrets, "b")).unwrap();
    assert_eq!(file.load().await, Ok(after));
}

#[tokio::test]
async fn no_change_of_many_writers_is_lost_and_readers_see_whole_states() {
    let folder = tempfile::tempdir().unwrap();
    let file = FileState::new(folder.path().join("state.json"));
    file.update(|state| bump(&mut state.secrets, "first"))
        .unwrap();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let file = file.clone();
            std::thread::spawn(move || {
                for round in 0..20 {
                    file.update(|state| bump(&mut state.secrets, &format!("{writer} {round}")))
                        .unwrap();
                }
            })
        })
        .collect();
    let mut last = 0;
    while writers.iter().any(|writer| !writer.is_finished()) {
        let version = file.load().await.unwrap().secrets.version;
        assert!(version >= last);
        last = version;
    }
    for writer in writers {
        writer.join().unwrap();
    }
    assert_eq!(file.load().await.unwrap().secrets.version, 81);
}
