//! The `portcullis` command.
//!
//! Data goes to stdout, the rest to stderr; exit codes are stable. Deliberately absent: what a command does, in its file.

mod args;
mod check;
mod compile;
mod control;
mod decrypt;
mod dev;
mod diff;
mod edge;
mod exit;
mod explain;
mod gateway;
mod geoip;
mod help;
mod http;
mod iam;
mod init;
mod load;
mod log;
mod logs;
mod machine;
mod out;
mod pretend;
mod release;
mod replay;
mod secret;
mod serve;
mod sign;
mod template;
mod test;
mod why;

use args::{Arguments, Command};
use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    arguments.color.write_global();
    let outcome = match arguments.command {
        Command::Check(args) => check::run(&args),
        Command::Compile(args) => compile::run(&args),
        Command::Completions(args) => help::completions(&args),
        Command::Dev(args) => dev::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Edge(args) => edge::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Geoip(args) => geoip::run(&args),
        Command::Help(args) => help::run(&args),
        Command::Iam(args) => iam::run(&args),
        Command::Decrypt(args) => decrypt::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Gc(args) => release::collect(&args),
        Command::Promote(args) => release::promote(&args),
        Command::Publish(args) => release::publish(&args),
        Command::Releases(args) => release::look(&args),
        Command::Rollback(args) => release::rollback(&args),
        Command::Withdraw(args) => release::withdraw(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Why(args) => why::run(&args),
        Command::Schema => help::schema(),
        Command::Secret(args) => secret::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Sign(args) => sign::run(&args),
        Command::Template(args) => template::run(&args),
        Command::Test(args) => test::run(&args),
    };
    outcome.unwrap_or_else(exit::Failure::report)
}
