//! Where lines go: decisions to standard output, trouble to standard error, each as one line and in one write.

use std::io::Write as _;

/// What takes decision lines.
pub trait Log: Send + Sync + 'static {
    /// Takes one line, without its end.
    fn line(&self, line: String);
}

/// Standard output, which Lambda collects.
#[derive(Debug, Clone, Copy)]
pub struct StandardOutput;

impl Log for StandardOutput {
    fn line(&self, mut line: String) {
        line.push('\n');
        // Nobody is left to tell if the log is gone.
        let _lost = std::io::stdout().lock().write_all(line.as_bytes());
    }
}

/// Says on standard error what is wrong with the function itself. Never with anything from a request.
pub fn trouble(what: &str) {
    let what = what.escape_debug();
    let _lost = std::io::stderr()
        .lock()
        .write_all(format!("portcullis: {what}\n").as_bytes());
}
