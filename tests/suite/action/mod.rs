//! The GitHub Action: its steps are run in their order, in an environment like the runner's.

mod changes;
mod definition;
mod install;
mod lint;
mod pull_requests;
mod workflow_runner;
