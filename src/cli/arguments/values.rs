//! What stands behind an option.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::input::{Exclude, ExcludeError};

pub(in crate::cli) fn layout(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((host, folder)) if !host.is_empty() && !folder.is_empty() => {
            Ok((host.to_owned(), PathBuf::from(folder)))
        }
        _ => Err("write HOST=DIR, such as registry.example.com=./layout".to_owned()),
    }
}

pub(in crate::cli) fn mirror(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((host, url)) if !host.is_empty() && url.starts_with("http") => {
            Ok((host.to_owned(), url.to_owned()))
        }
        _ => Err("write HOST=URL, such as docker.io=https://mirror.example.com".to_owned()),
    }
}

pub(in crate::cli) fn exclude(text: &str) -> Result<Exclude, ExcludeError> {
    Exclude::new(Path::new("."), text)
}

pub(in crate::cli) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("write a number from 1 on".to_owned()),
    }
}

pub(in crate::cli) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err("write a number of seconds from 1 on".to_owned()),
    }
}
