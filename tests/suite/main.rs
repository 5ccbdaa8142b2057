//! End-to-end tests, in one binary so that it links once.

// Half of it starts Unix programs, makes links or sets modes.
#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests do I/O, fail by panicking, and say what they skip"
)]

mod action;
mod architecture;
mod archives;
mod base;
mod buildah;
mod changed;
mod ci_examples;
mod cli;
mod cloud_tokens;
mod completeness;
mod completions;
mod config;
mod deep;
mod deep_declared;
mod deep_dive;
mod deep_downloads;
mod docker_registry;
mod documented_ci;
mod events;
mod explain_command;
mod extraction;
mod fixtures;
mod fuzz;
mod history;
mod ignores;
mod images;
mod inspect;
mod linters;
mod merge;
mod partition;
mod pods;
mod pre_commit;
mod probe;
mod probe_advice;
mod probe_content;
mod probe_hosts;
mod probe_ways;
mod python_tools;
mod readme;
mod registries_conf;
mod registry;
mod registry_cache;
mod registry_faults;
mod registry_layouts;
mod registry_questions;
mod registry_ways;
mod renders;
mod reports;
mod reports_builder;
mod reports_delivered;
mod reports_formats;
mod reports_hostile;
mod reports_html;
mod rule_pages;
mod rules;
mod runner;
mod sources;
mod tag_pages;
mod targets;
mod terminal;
mod token_service;
mod yaml;
