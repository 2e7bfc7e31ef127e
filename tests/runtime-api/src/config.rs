//! How one function is configured, and the process environment Lambda gives it.
//!
//! A function never inherits the environment of the test: it gets the variables Lambda defines and those of its own
//! configuration, which win.

use std::path::PathBuf;
use std::time::Duration;
use tokio::process::Command;

const REGION: &str = "us-east-1";
const ACCOUNT: &str = "123456789012";
const FUNCTION_NAME: &str = "portcullis-function";

/// A function as Lambda would be told about it.
#[derive(Clone, Debug)]
pub struct FunctionConfig {
    /// The executable (`bootstrap`). Its folder becomes the working directory and `LAMBDA_TASK_ROOT`.
    pub binary: PathBuf,
    /// Variables of the function; they win over those Lambda defines.
    pub env: Vec<(String, String)>,
    /// Configured memory in MiB: announced to the function, not enforced.
    pub memory_mb: u32,
    /// The time limit of one invocation, from the moment its event is handed over.
    pub timeout: Duration,
    /// The time limit from spawning a process to its first request for an event.
    pub init_timeout: Duration,
    /// How many processes may run at once; further invocations wait. At least one is always used.
    pub environments: usize,
    /// Runs the function on this processor core only (through `taskset`); for measurements.
    pub core: Option<usize>,
}

impl FunctionConfig {
    /// Lambda's defaults: 128 MiB, 3 seconds, 10 seconds of init; and one environment.
    #[must_use]
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            env: Vec::new(),
            memory_mb: 128,
            timeout: Duration::from_secs(3),
            init_timeout: Duration::from_secs(10),
            environments: 1,
            core: None,
        }
    }

    /// Adds one variable.
    #[must_use]
    pub fn with_env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// The command that starts the function against the Runtime API at `address` (`host:port`).
    pub(crate) fn command(&self, address: &str) -> Command {
        let mut command = match self.core {
            None => Command::new(&self.binary),
            Some(core) => {
                let mut pinned = Command::new("taskset");
                pinned
                    .arg("--cpu-list")
                    .arg(core.to_string())
                    .arg(&self.binary);
                pinned
            }
        };
        let root = self.binary.parent().map(PathBuf::from).unwrap_or_default();
        let memory = self.memory_mb.to_string();
        command.env_clear().envs([
            ("AWS_LAMBDA_RUNTIME_API", address),
            ("AWS_LAMBDA_FUNCTION_NAME", FUNCTION_NAME),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory.as_str()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            (
                "AWS_LAMBDA_LOG_GROUP_NAME",
                "/aws/lambda/portcullis-function",
            ),
            (
                "AWS_LAMBDA_LOG_STREAM_NAME",
                "2026/01/01/[1]00000000000000000000000000000000",
            ),
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", "ASIAEMULATEDFUNCTION"),
            ("AWS_SECRET_ACCESS_KEY", "not-a-secret"),
            ("AWS_SESSION_TOKEN", "not-a-token"),
            ("_HANDLER", "bootstrap"),
            ("LANG", "en_US.UTF-8"),
            ("TZ", ":UTC"),
            ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin"),
        ]);
        if root.is_dir() {
            command.env("LAMBDA_TASK_ROOT", &root).current_dir(&root);
        }
        // Lambda's token belongs to Lambda's keys; beside other keys every service would refuse it.
        if self.env.iter().any(|(name, _)| name == "AWS_ACCESS_KEY_ID") {
            command.env_remove("AWS_SESSION_TOKEN");
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// The ARN every invocation names.
pub(crate) fn function_arn() -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION_NAME}")
}
