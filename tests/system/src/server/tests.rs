//! A server never outlives its owner, and what goes wrong says what to do.

use super::*;

fn is_alive(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[test]
fn a_missing_tool_names_the_command_that_installs_it() {
    let message = tool("no-such-tool").unwrap_err().to_string();
    assert!(
        message.contains("no-such-tool") && message.contains("cargo xtask setup"),
        "{message}"
    );
}

#[test]
fn a_server_that_ends_shows_the_end_of_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(
        "weed",
        &["no-such-command".into()],
        folder.path(),
        Vec::new(),
    )
    .unwrap();
    let message = server
        .wait_until_ready(9, "/", |_| true)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("`weed` ended: exit status") && message.contains("no-such-command"),
        "{message}"
    );
}

#[test]
fn the_watchdog_kills_and_cleans_up_when_its_owner_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let mut server = Command::new("sleep").arg("600").spawn().unwrap();
    let mut watchdog = watch(server.id(), folder.path(), &[]).unwrap();
    assert!(is_alive(server.id()));
    // The system does this when the owner ends, however it ends.
    drop(watchdog.stdin.take());
    watchdog.wait().unwrap();
    let status = server.wait().unwrap();
    assert_eq!(status.to_string(), "signal: 9 (SIGKILL)");
    assert!(!folder.path().exists());
}

#[test]
fn dropping_ends_server_and_watchdog() {
    let folder = tempfile::tempdir().unwrap();
    let ports = crate::ports::Ports::take().unwrap();
    let server = Server::start(
        "moto_server",
        &["-p".into(), ports.ports[0].to_string().into()],
        folder.path(),
        Vec::new(),
    )
    .unwrap();
    let ids = [server.id(), server.watchdog.id()];
    assert!(ids.into_iter().all(is_alive));
    drop(server);
    assert!(!ids.into_iter().any(is_alive));
}
