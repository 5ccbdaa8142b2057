//! The words of the kubelet and the container runtimes.
//!
//! Sources: kubelet `pkg/kubelet/images/image_manager.go`; containerd `client/pull.go`, `core/remotes/docker/resolver.go`,
//! `core/remotes/docker/schema1/converter.go`, `core/transfer/local/pull.go` of the named versions.

use crate::finding::Event;

/// `ErrImagePull` with containerd's wrapping: `written` is the image as the pod spec has it, `reference` its full form,
/// `code` the gRPC code and `cause` what stands behind the last wrapping.
pub fn err_image_pull(written: &str, reference: &str, code: &str, cause: &str) -> Event {
    Event {
        reason: "ErrImagePull",
        message: format!(
            "Failed to pull image \"{written}\": rpc error: code = {code} desc = failed to pull and unpack image \
             \"{reference}\": {cause}"
        ),
    }
}
