//! The steps for each class, as data. A line that begins with `$ ` is a command; `{name}` is filled in from the message and from
//! where it was seen; an option in square brackets is left out where its value is not known.
//!
//! Sources: cloud.google.com/kubernetes-engine/docs/troubleshooting/image-pulls; docs.aws.amazon.com/AmazonECR/latest/userguide
//! and public; learn.microsoft.com/azure/aks/cluster-container-registry-integration; docs.github.com/packages;
//! kubernetes.io/docs/concepts/containers/images; github.com/containerd/containerd/blob/main/docs/hosts.md.

use crate::event::class::Class;
use crate::event::clues::Clues;
use crate::event::family::Family;

/// The steps for `class`, for the registry that the clues tell.
pub(super) fn steps_of(class: Class, clues: &Clues) -> &'static [&'static str] {
    let family = clues.family();
    match class {
        Class::PermissionDenied if names_a_perimeter(&clues.text) => PERIMETER,
        Class::RedirectTargetUnreachable if clues.text.contains("k8s binaries") => NODE_BOOTSTRAP,
        Class::CredentialsMissing | Class::CredentialsNotUsed => credentials(family),
        Class::PermissionDenied => permission(family),
        Class::TokenExpired => expired(family),
        Class::RepoMissingOrPrivate => missing_or_private(family),
        Class::StaleCredentialsBreakPublicPull => &[
            "The image is public: pull without credentials. Take the pull secret away from the pod and its service account, or renew it.",
            "$ kubectl get pod {pod}[ -n {namespace}] -o jsonpath='{.spec.imagePullSecrets}'",
            "$ docker logout {registry}",
        ],
        Class::TagNotFound
        | Class::DigestGone
        | Class::LocalImageNotPushed
        | Class::ImageRemovedUpstream => not_there(class),
        Class::DanglingTag
        | Class::BlobMissing
        | Class::RegistryCorrupt
        | Class::BlobBackendError => stored(class),
        Class::DnsFailure
        | Class::RedirectTargetUnreachable
        | Class::RateLimit
        | Class::Registry5xx => network(class, family),
        Class::HttpRegistry | Class::TlsUnknownCa | Class::TlsInterceptingProxy => {
            encryption(class)
        }
        Class::PlatformMismatch
        | Class::WrongArchBinary
        | Class::WindowsVersionMismatch
        | Class::RuntimePlatformBug => platform(class),
        Class::Schema1
        | Class::ArtifactNotImage
        | Class::AttestationManifest
        | Class::ZstdUnsupported
        | Class::TooManyLayers
        | Class::LayerCorruptOrFormat
        | Class::TruncatedDownload => form(class),
        Class::InvalidReference | Class::UnsubstitutedTemplate | Class::ShortName => name(class),
        Class::DiskFull
        | Class::KubeletQps
        | Class::NeverPullAbsent
        | Class::PullTimeout
        | Class::SignatureEndpointError
        | Class::SignaturePolicy => node(class),
    }
}

/// Whether the words are those of VPC Service Controls (cloud.google.com/vpc-service-controls/docs/troubleshooting).
fn names_a_perimeter(text: &str) -> bool {
    [
        "vpcServiceControls",
        "organization's policy",
        "SECURITY_POLICY_VIOLATED",
    ]
    .iter()
    .any(|words| text.contains(words))
}

/// For a request that VPC Service Controls has stopped.
const PERIMETER: &[&str] = &[
    "A perimeter of VPC Service Controls stops the request; roles do not help. Ask who runs it for the violation with the identifier in the message, and for an ingress rule, or for nodes inside.",
    "$ gcloud logging read 'protoPayload.metadata.@type=\"type.googleapis.com/google.cloud.audit.VpcServiceControlAuditMetadata\"' --project={project}",
    "Nodes behind a perimeter reach Artifact Registry through restricted.googleapis.com (199.36.153.4/30).",
];

/// For a node of GKE that can't fetch its own programs.
const NODE_BOOTSTRAP: &[&str] = &[
    "The node itself was not set up: it could not fetch its programs from storage.googleapis.com. Let it reach that host on port 443, through Private Google Access, Cloud NAT or the firewall.",
    "$ gcloud container clusters describe {cluster}[ --location={cluster-location}][ --project={cluster-project}] --format='value(network,subnetwork,privateClusterConfig)'",
    "$ oci-preflight probe storage.googleapis.com",
];

fn credentials(family: Option<Family>) -> &'static [&'static str] {
    match family {
        Some(Family::ArtifactRegistry) => &[
            "On GKE the node's service account pulls. Without one of the scopes devstorage.read_only and cloud-platform the node sends no credentials; scopes can't be changed, so make the node pool again.",
            "$ gcloud container node-pools list --cluster={cluster}[ --location={cluster-location}][ --project={cluster-project}] --format='table(name,config.serviceAccount,config.oauthScopes)'",
            "Outside Google Cloud, make a pull secret and name it in the pod:",
            "$ kubectl create secret docker-registry artifact-registry[ -n {namespace}] --docker-server={registry} --docker-username=_json_key --docker-password=\"$(cat key.json)\"",
        ],
        Some(Family::Ecr) => &[
            "The node's role needs AmazonEC2ContainerRegistryPullOnly. A pull secret made from `aws ecr get-login-password` is dead after 12 hours.",
            "$ aws eks describe-nodegroup --cluster-name {cluster} --nodegroup-name NODEGROUP --query nodegroup.nodeRole",
            "$ aws ecr get-repository-policy --registry-id {account} --region {region} --repository-name {repository}",
        ],
        Some(Family::Acr) => &[
            "Attach the registry to the cluster, so that the kubelet's identity has the role AcrPull:",
            "$ az aks check-acr --resource-group GROUP --name {cluster} --acr {registry}",
            "$ az aks update --resource-group GROUP --name {cluster} --attach-acr {acr}",
        ],
        _ => &[
            "Make a pull secret for exactly this registry in the pod's namespace, and name it in the pod or its service account.",
            "$ kubectl get pod {pod}[ -n {namespace}] -o jsonpath='{.spec.serviceAccountName} {.spec.imagePullSecrets}'",
            "$ kubectl create secret docker-registry {secret}[ -n {namespace}] --docker-server={registry} --docker-username=USER --docker-password=PASSWORD",
            "If there is one already, its server must match the image by the kubelet's rules: `oci-preflight lint --pull-secret FILE` proves it offline.",
        ],
    }
}

fn permission(family: Option<Family>) -> &'static [&'static str] {
    match family {
        Some(Family::ArtifactRegistry) => &[
            "Give the node's service account the role Artifact Registry Reader on the project that holds the image:",
            "$ gcloud container node-pools list --cluster={cluster}[ --location={cluster-location}][ --project={cluster-project}] --format='table(name,config.serviceAccount)'",
            "$ gcloud artifacts repositories add-iam-policy-binding {artifact-repository} --project={project} --location={location} --member=serviceAccount:{account-address} --role=roles/artifactregistry.reader",
            "A disabled service account looks alike:",
            "$ gcloud iam service-accounts list[ --project={project}] --filter='disabled:true'",
        ],
        Some(Family::Ecr) => &[
            "The node's role needs ecr:GetAuthorizationToken, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer and ecr:BatchCheckLayerAvailability; across accounts the repository's policy must allow it too.",
            "$ aws ecr get-repository-policy --registry-id {account} --region {region} --repository-name {repository}",
        ],
        Some(Family::Acr) => &[
            "Give the kubelet's identity the role AcrPull, and check the registry's firewall:",
            "$ az aks check-acr --resource-group GROUP --name {cluster} --acr {registry}",
            "$ az acr network-rule list --name {acr}",
        ],
        Some(Family::GitHub) => &[
            "Let the token's owner read the package, in the package's settings under access; the token needs the scope read:packages.",
            "$ kubectl get pod {pod}[ -n {namespace}] -o jsonpath='{.spec.imagePullSecrets}'",
        ],
        _ => &[
            "Ask the owner of {registry} to let the identity of the pull secret read {repository}.",
            "$ kubectl get pod {pod}[ -n {namespace}] -o jsonpath='{.spec.imagePullSecrets}'",
        ],
    }
}

fn expired(family: Option<Family>) -> &'static [&'static str] {
    match family {
        Some(Family::Ecr) => &[
            "A token of Amazon ECR lives 12 hours. Let the kubelet's credential provider fetch it by the node's role, or renew the secret by a job:",
            "$ aws ecr get-login-password --region {region}",
        ],
        Some(Family::ArtifactRegistry) => &[
            "Check that the service account and its key are alive; an access token lives one hour.",
            "$ gcloud iam service-accounts list --filter='disabled:true'",
        ],
        _ => &[
            "Make a new token for {registry}, and put it into the pull secret; pods take it at the next try.",
            "$ kubectl create secret docker-registry {secret}[ -n {namespace}] --docker-server={registry} --docker-username=USER --docker-password=PASSWORD --dry-run=client -o yaml | kubectl apply -f -",
        ],
    }
}

fn missing_or_private(family: Option<Family>) -> &'static [&'static str] {
    match family {
        Some(Family::GitHub) => &[
            "Look whether the package exists and is public; if it is private, use a pull secret with a token that has read:packages.",
            "$ oci-preflight inspect {image}",
            "$ kubectl create secret docker-registry ghcr[ -n {namespace}] --docker-server=ghcr.io --docker-username=USER --docker-password=TOKEN",
        ],
        Some(Family::DockerHub) => &[
            "Check the spelling: a name without a host means Docker Hub. If the repository is private, use a pull secret with the server https://index.docker.io/v1/.",
            "$ oci-preflight inspect {image}",
        ],
        _ => &[
            "Check the spelling of {name}; then ask its owner whether it exists and who may read it.",
            "$ oci-preflight inspect {image}",
        ],
    }
}

fn not_there(class: Class) -> &'static [&'static str] {
    match class {
        Class::DigestGone => &[
            "Pin a digest that is still there; rebuilt tags lose their old digest where the registry cleans up what has no tag.",
            "$ oci-preflight inspect {name}",
        ],
        Class::LocalImageNotPushed => &[
            "Push the image to a registry that the nodes can reach, and write its full name; a name of one part means Docker Hub.",
            "$ docker tag {repository} REGISTRY/{repository}",
            "On a cluster on your own machine load it instead, with imagePullPolicy: IfNotPresent: `kind load docker-image`, `minikube image load` or `k3s ctr images import`.",
        ],
        Class::ImageRemovedUpstream => &[
            "Look in the publisher's notice for the new place (Bitnami: docker.io/bitnamilegacy, k8s.gcr.io: registry.k8s.io), and keep a copy in your own registry.",
            "$ oci-preflight lint --image {image}",
        ],
        _ => &[
            "Check the spelling of the tag, and whether the build that should have pushed it succeeded. The nearest tags that exist:",
            "$ oci-preflight inspect {image}",
        ],
    }
}

fn stored(class: Class) -> &'static [&'static str] {
    match class {
        Class::BlobBackendError => &[
            "Ask who runs {registry} about the storage behind it, or whether your network lets you reach that storage (for Amazon ECR: the endpoint policy of S3).",
            "$ oci-preflight probe {image}",
        ],
        Class::RegistryCorrupt => &[
            "Push the image again under a new tag. If a proxy or mirror stands in between, compare with what comes without it.",
            "$ oci-preflight inspect {image}",
        ],
        _ => &[
            "Push the image again: the registry, or a clean-up job, has deleted a part that is still in use.",
            "$ oci-preflight inspect {image}",
        ],
    }
}

fn network(class: Class, family: Option<Family>) -> &'static [&'static str] {
    match (class, family) {
        (Class::DnsFailure, _) => &[
            "Look from the node, or from a pod in its network; then ask who runs the resolver.",
            "$ nslookup {host-name}",
            "$ oci-preflight probe {host}",
        ],
        (Class::RedirectTargetUnreachable, None) => &[
            "Look from the node's network where it ends: firewall, route, proxy, or the registry itself.",
            "$ oci-preflight probe {host}",
        ],
        (Class::RedirectTargetUnreachable, Some(Family::ArtifactRegistry)) => &[
            "Private nodes need Private Google Access or Cloud NAT, and an egress rule for port 443 to 199.36.153.8/30 (private.googleapis.com) or 199.36.153.4/30 (restricted.googleapis.com).",
            "$ oci-preflight probe {image}",
        ],
        (Class::RedirectTargetUnreachable, _) => &[
            "Let the nodes reach {host} on port 443, and the hosts that the registry redirects to: firewall, route, proxy, or the registry itself.",
            "$ oci-preflight probe {image}",
        ],
        (Class::RateLimit, Some(Family::DockerHub)) => &[
            "Log in (a pull secret for https://index.docker.io/v1/), pull through a mirror such as mirror.gcr.io, or copy the image into your own registry.",
            "How much is left, where this runs:",
            "$ oci-preflight lint -v --image docker.io/ratelimitpreview/test",
        ],
        (Class::RateLimit, _) => &[
            "Pull less at once, log in, or put a mirror or your own registry in front of {registry}.",
        ],
        _ => &[
            "Wait: the kubelet tries again by itself. Look at the status page of {registry}, or ask who runs it.",
            "$ oci-preflight probe {image}",
        ],
    }
}

fn encryption(class: Class) -> &'static [&'static str] {
    match class {
        Class::HttpRegistry => &[
            "Give the registry a certificate. Where that can't be, tell the runtime, in /etc/containerd/certs.d/{host}/hosts.toml: server = \"http://{host}\".",
            "$ oci-preflight probe {host}",
        ],
        Class::TlsUnknownCa => &[
            "Look who signed the certificate, at its dates and names, and at the node's clock.",
            "$ openssl s_client -connect {host-name}:{port} -servername {host-name} -showcerts",
            "$ oci-preflight probe {host}",
            "An unknown authority belongs on the nodes: in the system's store, or as `ca` in /etc/containerd/certs.d/{host}/hosts.toml. For another name or a past date, ask who runs {host} for a new certificate.",
        ],
        _ => &[
            "Look who signed the certificate. If it is your company's proxy, put its authority on the nodes, or let {host} pass it by.",
            "$ openssl s_client -connect {host-name}:{port} -servername {host-name} -showcerts",
            "$ oci-preflight probe {host}",
        ],
    }
}

fn platform(class: Class) -> &'static [&'static str] {
    match class {
        Class::WrongArchBinary => &[
            "Build for the node's architecture, or for all of them; then compare. A script without its first line `#!` fails alike.",
            "$ oci-preflight inspect {image}",
            "$ kubectl get nodes -L kubernetes.io/arch",
            "$ docker buildx build --platform linux/amd64,linux/arm64 --push -t {image} .",
        ],
        Class::WindowsVersionMismatch => &[
            "Use the tag of the base image for the node's Windows version, and select such nodes by label.",
            "$ kubectl get nodes -L node.kubernetes.io/windows-build",
        ],
        Class::RuntimePlatformBug => &[
            "Upgrade the container runtime on the node; then look whether the image has the platform at all.",
            "$ kubectl get nodes -o custom-columns=NAME:.metadata.name,RUNTIME:.status.nodeInfo.containerRuntimeVersion,ARCH:.status.nodeInfo.architecture",
            "$ oci-preflight inspect {image}",
        ],
        _ => &[
            "Build the missing platform, or send the pod to nodes that the image has one for, by nodeSelector kubernetes.io/arch.",
            "$ oci-preflight inspect {image}",
            "$ kubectl get nodes -L kubernetes.io/arch,kubernetes.io/os",
        ],
    }
}

fn form(class: Class) -> &'static [&'static str] {
    match class {
        Class::Schema1 => &[
            "Build and push the image again with a current tool, or take a newer tag. On the nodes, find others of its kind:",
            "$ ctr --namespace k8s.io images list 'labels.\"io.containerd.image/converted-docker-schema1\"'",
            "$ oci-preflight inspect {image}",
        ],
        Class::ArtifactNotImage | Class::AttestationManifest => &[
            "Name the image itself: the tag or digest that the build printed for the image, not for its attestation, cache or chart.",
            "$ oci-preflight inspect {image}",
        ],
        Class::ZstdUnsupported => &[
            "Build with gzip layers, or upgrade the runtime: containerd 1.5, Docker 23.0 and newer read zstd.",
            "$ docker buildx build --output type=image,name={image},compression=gzip,force-compression=true,push=true .",
        ],
        Class::TooManyLayers => &[
            "Join steps of the Dockerfile, or build in stages and copy the result; Docker takes 127 layers.",
            "$ oci-preflight inspect {image}",
        ],
        Class::TruncatedDownload => &[
            "Try again; if it stays, look for a proxy or load balancer that cuts long answers, and for layers that are too large for it.",
            "$ oci-preflight probe {image}",
        ],
        _ => &[
            "Pull it elsewhere. If it fails there too, build and push it again; if not, clear the node's copy.",
            "$ crictl rmi {image}",
            "$ oci-preflight inspect {image}",
        ],
    }
}

fn name(class: Class) -> &'static [&'static str] {
    match class {
        Class::UnsubstitutedTemplate => &[
            "Fill in the variable where the source is rendered: a Helm value, a Kustomize replacement, a variable of the pipeline. Look at what is deployed:",
            "$ kubectl get pods -A -o custom-columns=NAME:.metadata.name,IMAGES:.spec.containers[*].image",
            "$ oci-preflight lint PATH",
        ],
        Class::ShortName => {
            &["Write the full name with its registry host, such as docker.io/library/alpine:3.20."]
        }
        _ => &[
            "Write the name as host/path:tag: lower case, no https://, no blanks, one tag.",
            "$ oci-preflight lint PATH",
        ],
    }
}

fn node(class: Class) -> &'static [&'static str] {
    match class {
        Class::DiskFull => &[
            "Make room or give the nodes a larger disk; the unpacked image needs about two to three times its compressed size.",
            "$ kubectl describe node {node}",
            "$ oci-preflight inspect {image}",
        ],
        Class::KubeletQps => &[
            "It passes by itself. Where many pods start at once, raise registryPullQPS and registryBurst in the kubelet's configuration.",
        ],
        Class::NeverPullAbsent => &[
            "Load the image onto the node under exactly this name, or set imagePullPolicy: IfNotPresent and push it to a registry.",
            "$ crictl images",
        ],
        Class::PullTimeout => &[
            "Look at the image's size and the node's disk and network; containerd gives up after 5 minutes without progress.",
            "$ oci-preflight inspect {image}",
            "$ oci-preflight probe {image}",
        ],
        Class::SignatureEndpointError => &[
            "Let the node reach the place of the signatures that /etc/containers/registries.d names, with the credentials it wants.",
        ],
        _ => &[
            "Sign the image with the key that the policy names, or change the policy (/etc/containers/policy.json, or the admission controller).",
            "$ cosign verify --key KEY {image}",
        ],
    }
}
