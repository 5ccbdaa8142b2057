//! The table of patterns, by area. Within one confidence the first row wins, so what is special stands above what is general.

mod authentication;
mod content;
mod network;
mod node;
mod not_found;
mod platform;

use super::pattern::Pattern;

/// The rows of all areas, the most special area first.
pub(super) const AREAS: [&[Pattern]; 6] = [
    node::ROWS,
    platform::ROWS,
    content::ROWS,
    network::ROWS,
    authentication::ROWS,
    not_found::ROWS,
];

/// Whether a name is one part long and no official image of Docker Hub, so that it was probably only built locally.
pub(super) fn is_local_name(registry: &str, repository: &str) -> bool {
    match registry {
        "localhost" | "kind.local" | "ko.local" | "dev.local" => true,
        "docker.io" => match repository.split_once('/') {
            Some(("library", name)) => !name.contains('/') && !OFFICIAL.contains(&name),
            Some(("local" | "localhost", _)) => true,
            _ => false,
        },
        _ => false,
    }
}

/// The official images of Docker Hub, with those that are deprecated.
/// Source: github.com/docker-library/official-images, folder `library`.
const OFFICIAL: [&str; 182] = [
    "adminer",
    "aerospike",
    "almalinux",
    "alpine",
    "alt",
    "amazoncorretto",
    "amazonlinux",
    "api-firewall",
    "arangodb",
    "archlinux",
    "azul-zulu",
    "backdrop",
    "bash",
    "bonita",
    "buildpack-deps",
    "busybox",
    "caddy",
    "cassandra",
    "centos",
    "chronograf",
    "cirros",
    "clearlinux",
    "clefos",
    "clickhouse",
    "clojure",
    "composer",
    "consul",
    "convertigo",
    "couchbase",
    "couchdb",
    "crate",
    "crux",
    "dart",
    "debian",
    "docker",
    "docker-dev",
    "drupal",
    "eclipse-mosquitto",
    "eclipse-temurin",
    "eggdrop",
    "elasticsearch",
    "elixir",
    "emqx",
    "erlang",
    "euleros",
    "express-gateway",
    "fedora",
    "flink",
    "fluentd",
    "fsharp",
    "gazebo",
    "gcc",
    "geonetwork",
    "ghost",
    "glassfish",
    "golang",
    "gradle",
    "groovy",
    "haproxy",
    "haskell",
    "haxe",
    "hello-seattle",
    "hello-world",
    "hipache",
    "hitch",
    "hola-mundo",
    "httpd",
    "hylang",
    "ibm-semeru-runtimes",
    "ibmjava",
    "influxdb",
    "iojs",
    "irssi",
    "java",
    "jenkins",
    "jetty",
    "jobber",
    "joomla",
    "jruby",
    "julia",
    "kaazing-gateway",
    "kapacitor",
    "kibana",
    "known",
    "kong",
    "krakend",
    "lightstreamer",
    "liquibase",
    "logstash",
    "mageia",
    "mariadb",
    "matomo",
    "maven",
    "mediawiki",
    "memcached",
    "mongo",
    "mongo-express",
    "monica",
    "mono",
    "mysql",
    "nats",
    "nats-streaming",
    "neo4j",
    "neurodebian",
    "nextcloud",
    "nginx",
    "node",
    "notary",
    "nuxeo",
    "odoo",
    "open-liberty",
    "openjdk",
    "opensuse",
    "oraclelinux",
    "orientdb",
    "owncloud",
    "percona",
    "perl",
    "photon",
    "php",
    "php-zendserver",
    "phpmyadmin",
    "piwik",
    "plone",
    "postfixadmin",
    "postgres",
    "pypy",
    "python",
    "r-base",
    "rabbitmq",
    "rails",
    "rakudo-star",
    "redis",
    "redmine",
    "registry",
    "rethinkdb",
    "rocket.chat",
    "rockylinux",
    "ros",
    "ruby",
    "rust",
    "rockylinux8",
    "sapmachine",
    "satosa",
    "scala",
    "scratch",
    "sentry",
    "silverpeas",
    "sl",
    "solr",
    "sonarqube",
    "sourcemage",
    "spark",
    "spiped",
    "storm",
    "swarm",
    "swift",
    "swipl",
    "teamspeak",
    "telegraf",
    "thrift",
    "tomcat",
    "tomee",
    "traefik",
    "ubuntu",
    "ubuntu-debootstrap",
    "ubuntu-upstart",
    "unit",
    "varnish",
    "vault",
    "voidlinux",
    "websphere-liberty",
    "wordpress",
    "xwiki",
    "yourls",
    "yugabyte",
    "zabbix",
    "znc",
    "zookeeper",
    "ceylon",
    "mysql-server",
    "pause",
];

/// Whether the publisher is known to have taken images away under this name.
pub(super) fn is_removed(name: &str) -> bool {
    REMOVED.iter().any(|place| {
        name.strip_prefix(place)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }) || name.starts_with(STAGING)
}

/// Where Kubernetes projects stage their images, which are deleted after some weeks. Source: github.com/kubernetes-sigs/kueue issue 5067.
const STAGING: &str = "gcr.io/k8s-staging-";

/// Places from which publishers have taken images away: registry and repository, or the path above it.
///
/// Sources: github.com/bitnami/containers issue 83267 (August 2025); github.com/docker-library/openjdk issue 52 (November 2015);
/// github.com/kubernetes-sigs/kubebuilder discussion 3907
/// (March 2025); github.com/helm/helm issue 10004 (August 2021); github.com/tektoncd/pipeline issue 8650 (2025);
/// quay.io/coreos and quay.io/kubernetes-ingress-controller, moved to registry.k8s.io; github.com/kubernetes/k8s.io, frozen `k8s.gcr.io` (April 2023); GitHub's notice on
/// `docker.pkg.github.com` (February 2021); Docker Hub's deprecation notices of `library/java` and its like;
/// github.com/dotnet/orleans issue 11250 (2026); github.com/openshift/origin issue 28339 (October 2023);
/// github.com/docker/hub-feedback issue 1672 (October 2018); github.com/bitnami/charts-syncer issue 187 (November 2023);
/// github.com/kubernetes-up-and-running/kuard issue 60 (January 2026); github.com/kubernetes-sigs/kueue issue 5067 (April 2025).
const REMOVED: [&str; 30] = [
    "docker.io/bitnami",
    "docker.io/bitnamicharts",
    "docker.io/dockerfile",
    "docker.io/jettech",
    "docker.io/kubernetes-helm",
    "docker.io/minio",
    "docker.io/openshift",
    "docker.io/tutum",
    "docker.io/vmware",
    "docker.pkg.github.com",
    "gcr.io/arrikto",
    "gcr.io/bitnami-labs",
    "gcr.io/cluster-api-provider-aws",
    "gcr.io/google-containers",
    "gcr.io/google_containers",
    "gcr.io/google-samples",
    "gcr.io/heptio-images",
    "gcr.io/kuar-demo",
    "gcr.io/kubebuilder",
    "gcr.io/kubernetes-helm",
    "gcr.io/kubernetes-e2e-test-images",
    "gcr.io/tekton-releases",
    "k8s.gcr.io",
    "quay.io/bitnami",
    "quay.io/coreos",
    "quay.io/external_storage",
    "quay.io/kubernetes-ingress-controller",
    "registry.opensource.zalan.do",
    "us-central1-docker.pkg.dev/k8s-staging-images",
    "us.gcr.io/k8s-artifacts-prod",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_name_is_one_part_and_not_official() {
        assert!(is_local_name("docker.io", "library/my-service"));
        assert!(is_local_name("docker.io", "local/app"));
        assert!(is_local_name("localhost", "app"));
        assert!(!is_local_name("docker.io", "library/nginx"));
        assert!(!is_local_name("docker.io", "team/app"));
        assert!(!is_local_name("ghcr.io", "app"));
    }

    #[test]
    fn removed_places_end_at_a_part_of_the_path() {
        assert!(is_removed("docker.io/bitnami/redis"));
        assert!(!is_removed("docker.io/bitnamiteam/redis"));
    }
}
