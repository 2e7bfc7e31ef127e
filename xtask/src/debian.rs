//! Debian packages: installed where that is possible, named where it is not.

use crate::command::{Program, find};
use crate::steps::Failure;

/// Makes sure that each program is there. `programs` pairs a program with the packages that bring it.
pub(crate) fn require(programs: &[(&str, &[&str])]) -> Result<String, Failure> {
    let packages = missing(programs, |program| {
        find(program).is_some() || std::path::Path::new("/usr/sbin").join(program).is_file()
    });
    if packages.is_empty() {
        return Ok("there already".to_owned());
    }
    let install = format!(
        "apt-get install -y --no-install-recommends {}",
        packages.join(" ")
    );
    if find("apt-get").is_none() || !is_root()? {
        let message = format!("missing programs; as root on Debian, run `{install}`");
        return Err(Failure::new(message));
    }
    let apt = |arguments: &str| {
        let words = arguments.split_whitespace().skip(1);
        Program::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(words)
            .run()
    };
    // A fresh container has no package lists; elsewhere they need not be fetched again.
    apt(&install).or_else(|_| apt("apt-get update").and_then(|()| apt(&install)))?;
    Ok(format!("installed {}", packages.join(", ")))
}

fn missing<'a>(programs: &[(&str, &[&'a str])], is_there: impl Fn(&str) -> bool) -> Vec<&'a str> {
    programs
        .iter()
        .filter(|(program, _)| !is_there(program))
        .flat_map(|(_, packages)| packages.iter().copied())
        .collect()
}

fn is_root() -> Result<bool, Failure> {
    let id = Program::new("id").args(["-u"]).output()?;
    Ok(id.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn only_what_is_missing_is_installed() {
        let programs: &[(&str, &[&str])] = &[("nginx", &["nginx", "module"]), ("wrk", &["wrk"])];
        assert_eq!(
            missing(programs, |program| program == "wrk"),
            ["nginx", "module"]
        );
        assert!(missing(programs, |_| true).is_empty());
    }
}
