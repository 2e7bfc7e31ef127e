//! A `rustup` that comes first in `PATH` and refuses to install anything.
//!
//! `cargo lambda build` for a target that is not installed would fetch it for the whole machine without asking. The
//! flag `--skip-target-check` prevents that; behind this shim a forgotten flag is an error and not a download.

use crate::command::find;
use crate::steps::Failure;
use crate::tree;
use std::path::{Path, PathBuf};

/// Writes the shim and returns its folder. Without rustup there is nothing to keep from installing, but a shim that
/// refuses everything still tells a tool so.
pub(crate) fn folder() -> Result<PathBuf, Failure> {
    let folder = tree::root().join(".tools/shim");
    let shim = folder.join("rustup");
    let real = find("rustup").filter(|found| *found != shim);
    tree::write(&shim, script(real.as_deref()).as_bytes())?;
    make_executable(&shim)?;
    Ok(folder)
}

fn script(real: Option<&Path>) -> String {
    let otherwise = real.map_or_else(
        || "echo 'rustup is not installed' >&2; exit 1".to_owned(),
        |real| format!("exec '{}' \"$@\"", real.display()),
    );
    format!(
        "#!/bin/sh
# Written by `cargo xtask package`: a build never installs a toolchain or a target.
case \"$1 $2\" in
  'target add'|'target install'|'toolchain install'|'toolchain add'|'toolchain update'|'component add'|install\\ *|update\\ *)
    echo \"refused: rustup $*: a build installs nothing\" >&2; exit 1;;
esac
{otherwise}
"
    )
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, mode).map_err(Failure::io(path.display()))
}

/// Elsewhere a script without an ending is no program; `--skip-target-check` alone does the work.
#[cfg(not(unix))]
fn make_executable(_path: &Path) -> Result<(), Failure> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::script;
    use crate::command::Program;
    use std::path::Path;

    /// What the shim does with `arguments`, standing before a `rustup` that echoes them.
    fn call(arguments: &[&str]) -> Option<String> {
        let script = script(Some(Path::new("/bin/echo")));
        let shim = Program::new("sh")
            .args(["-c", &script, "rustup"])
            .args(arguments);
        shim.output()
            .ok()
            .map(|said| String::from_utf8_lossy(&said).trim().to_owned())
    }

    #[test]
    fn questions_pass_and_installations_are_refused() {
        assert_eq!(call(&["target", "list"]).as_deref(), Some("target list"));
        assert_eq!(call(&["show"]).as_deref(), Some("show"));
        for refused in [
            ["target", "add", "aarch64-unknown-linux-gnu"],
            ["toolchain", "install", "nightly"],
            ["update", "", ""],
        ] {
            assert_eq!(call(&refused), None, "{refused:?}");
        }
    }
}
