#!/usr/bin/env python3
"""What is made from the chart: its README, the plain manifests, the rules that promtool reads.

`deploy.py readme|manifests` says whether the files are what the chart gives; with `--write` it makes them so.
`deploy.py render DIRECTORY` lints and renders the chart with each file of values in its ci/. `deploy.py refused` tries
values that make no sense, `deploy.py nothing` values that are null, `deploy.py upgrade` what the Go program's chart has.
`deploy.py rules` prints the alerts of the manifests as Prometheus reads them, with `--shared` those for clusters that share
Aiven projects; `deploy.py known FILE…` prints the objects whose schema is part of Kubernetes.
"""

import difflib
import json
import os
import re
import sys
from pathlib import Path

try:
    import yaml
    from helm_python import Chart, HelmError, lint
except ImportError:
    # They are in the folder that .ci/lint keeps its tools in.
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    venv = Path(os.environ.get("AIVENATOR_TOOLS") or Path(cache, "aivenator-checks")) / "venv"
    if not (venv / "bin/python").exists() or Path(sys.prefix).resolve() == venv.resolve():
        sys.exit(f"the packages of .ci/requirements.txt are neither here nor in {venv}: run .ci/lint once")
    os.execv(venv / "bin/python", [venv / "bin/python", *sys.argv])

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "deploy/chart"
MANIFESTS = ROOT / "deploy/manifests"
VALUES = CHART / "ci/manifests-values.yaml"
# Which templates make which manifest.
PARTS = {
    "crd.yaml": ["crd"],
    "rbac.yaml": ["rbac"],
    "roles.yaml": ["roles"],
    "admission.yaml": ["admission"],
    "aivenator.yaml": ["deployment", "service", "poddisruptionbudget", "networkpolicy"],
    "monitoring.yaml": ["monitor", "prometheusrule", "dashboard"],
}
# Labels that say how Helm has installed something.
OF_HELM = re.compile(r"^ *(helm\.sh/chart|app\.kubernetes\.io/managed-by|app\.kubernetes\.io/version): .*\n", re.M)
KEPT = re.compile(r"^  annotations:\n    helm\.sh/resource-policy: keep\n", re.M)
# Not part of Kubernetes itself.
FOREIGN = {"PodMonitor", "ServiceMonitor", "PrometheusRule", "ReplicationConfig", "Kustomization"}


def settle(path, text, write):
    """Whether a file holds that text; after writing it does."""
    if write:
        path.write_text(text)
        return True
    old = path.read_text() if path.exists() else ""
    sys.stdout.writelines(difflib.unified_diff(
        old.splitlines(True), text.splitlines(True), str(path.relative_to(ROOT)), "as the chart gives it"))
    return old == text


def rendered(values):
    """The documents of each template, by its name; NOTES.txt is one of them."""
    with Chart.load(CHART) as chart:
        chart.validate_schema(values)
        texts = chart.render(values, name="aivenator", namespace="aivenator")
    return {Path(path).stem: text.strip("\n") + "\n" for path, text in texts.items() if text.strip()}


def manifests(write):
    found = rendered(yaml.safe_load(VALUES.read_text()))
    left = set(found) - {name for names in PARTS.values() for name in names} - {"NOTES"}
    if left:
        sys.exit(f"in no manifest: {left}")
    head = "# Rendered from deploy/chart with ci/manifests-values.yaml: change the chart, then `.ci/deploy.py manifests --write`.\n"
    well = True
    for name, templates in PARTS.items():
        text = "---\n".join(found[template].removeprefix("---\n") for template in templates)
        well &= settle(MANIFESTS / name, head + KEPT.sub("", OF_HELM.sub("", text)), write)
    return well


def render(directory):
    """Every file of values of ci/, each into a file of its own; whatever lint says of them is a mistake."""
    directory.mkdir(parents=True, exist_ok=True)
    well = True
    for path in sorted((CHART / "ci").glob("*-values.yaml")):
        values = yaml.safe_load(path.read_text())
        report = lint(CHART, values, strict=True, namespace="aivenator", kube_version="v1.33.0")
        wrong = report["errors"] + [it for it in report["messages"] if it["severity"] > 1]
        if wrong:
            print(f"{path.name}: {wrong}")
        found = rendered(values)
        print(f"{path.name}: {len(found)} templates; notes: {len(found.pop('NOTES').splitlines())} lines")
        text = "---\n".join(document.removeprefix("---\n") for document in found.values())
        (directory / path.name.replace("-values", "")).write_text(text)
        well &= not wrong
    return well


def refused():
    """Values that make no sense, each with a word that the refusal has to hold."""
    token = {"aiven": {"existingSecret": {"name": "t"}}}
    well = True
    for values, word in [
        ({}, "aiven.token"),
        ({**token, "replcas": 2}, "replcas"),
        ({**token, "leaderElection": False}, "leaderElection"),
        ({**token, "leaderElection": False, "replicas": 1}, "strategy Recreate"),
        ({**token, "leaderElection": False, "strategy": {"type": "Recreate"}}, "one replica"),
        ({"aiven": {**token["aiven"], "url": "http://aiven.example"}}, "url"),
        ({**token, "replicationConfig": True}, "aiven.mainCidr"),
        ({**token, "podMonitor": {"enabled": True}, "serviceMonitor": {"enabled": True}}, "enable one"),
        ({**token, "image": {"digest": "latest"}}, "digest"),
        ({**token, "networkPolicy": {"egressPorts": [0]}}, "egressPorts"),
        ({**token, "admissionPolicy": {"actions": ["Deny", "Warn"]}}, "actions"),
    ]:
        try:
            rendered(values)
            said = "nothing"
        except HelmError as error:
            said = str(error)
        if word not in said:
            print(f"{values}: {word!r} is not in {said!r}")
            well = False
    return well


def nothing():
    """Values that are null, which takes a default away: what is rendered is YAML."""
    token = {"existingSecret": {"name": "t"}, "mainCidr": "10.16.0.0/16"}
    for values in [
        {"aiven": {**token, "token": None, "projects": None, "mainProject": None, "serviceUserLimit": None, "cidrs": None},
         "clusterName": None, "tenant": None, "image": {"tag": None}, "extraEnv": None, "fasit": None,
         "replicationConfig": True, "prometheusRule": {"enabled": True},
         "dashboard": {"enabled": True, "labels": {"grafana_dashboard": None}}},
        {"aiven": token, "fasit": {"env": None}, "prometheusRule": {"enabled": True}},
    ]:
        for name, text in rendered(values).items():
            if name != "NOTES":
                list(yaml.safe_load_all(text))
    return True


def upgrade():
    """What a release of the Go program's chart has, and what an upgrade must not change."""
    found = rendered(yaml.safe_load((CHART / "ci/go-chart-values.yaml").read_text()))
    objects = [it for name, text in found.items() if name != "NOTES" for it in yaml.safe_load_all(text) if it]
    by_kind = {}
    for it in objects:
        by_kind.setdefault(it["kind"], {})[it["metadata"]["name"]] = it
    selector = {"app.kubernetes.io/name": "aivenator", "app.kubernetes.io/instance": "aivenator"}
    deployment = by_kind["Deployment"]["aivenator"]["spec"]
    pod = deployment["template"]["spec"]
    container = pod["containers"][0]
    environment = {it["name"]: it["value"] for it in container["env"]}
    service = by_kind["Service"]["aivenator"]["spec"]
    replicated = by_kind["ReplicationConfig"]["aivenator-netpol-egress"]["spec"]
    policies = {it["metadata"]["name"]: it["spec"] for it in (yaml.safe_load(it["template"]) for it in replicated["resources"])}
    cidrs = [{"ipBlock": {"cidr": cidr}} for cidr in ("10.16.0.0/16", "10.17.0.0/16")]
    wrong = [what for what, well in {
        "selector": deployment["selector"]["matchLabels"] == selector,
        "labels of pods": deployment["template"]["metadata"]["labels"] == selector,
        "container": container["name"] == "aivenator" and len(pod["containers"]) == 1,
        "image": container["image"] == "registry.example/nais/aivenator:2026-11-20-080000-abcdef0",
        "port": container["ports"] == [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "user": container["securityContext"]["runAsUser"] == 1069 == container["securityContext"]["runAsGroup"],
        "service": service["selector"] == selector and service["ports"][0]["port"] == 80
        and service["ports"][0]["targetPort"] == "http",
        "settings": environment.items() >= {
            "AIVENATOR_PROJECTS": "nav-dev nav-integration-test", "AIVENATOR_MAIN_PROJECT": "nav-dev",
            "NAIS_CLUSTER_NAME": "dev-gcp", "HTTPS_PROXY": "http://webproxy.example:8088",
            "NO_PROXY": ".local,10.0.0.0/8"}.items(),
        "token": list(by_kind["Secret"]["aivenator"]["stringData"]) == ["AIVENATOR_AIVEN_TOKEN"],
        "certificates": {"name": "ca-bundle-pem", "mountPath": "/etc/ssl/certs/ca-certificates.crt",
                         "subPath": "ca-bundle.pem", "readOnly": True} in container["volumeMounts"],
        "names": all("aivenator" in by_kind[kind] for kind in
                     ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "NetworkPolicy", "PrometheusRule")),
        "proxy": any(port["port"] == 8088 for rule in by_kind["NetworkPolicy"]["aivenator"]["spec"]["egress"]
                     for port in rule["ports"]),
        "every namespace": replicated["namespaceSelector"] == {} and policies == {
            name: {"egress": [{"to": cidrs}], "podSelector": {"matchLabels": {label: "enabled"}},
                   "policyTypes": ["Egress"]} for name, label in (("aiven", "aiven"), ("kafka-aiven", "kafka"))},
    }.items() if not well]
    if wrong:
        print(f"an upgrade from the Go program's chart would change: {', '.join(wrong)}")
    return not wrong


def described(text):
    """Sections of values.yaml: (title, [(value, default, what it is)])."""
    values, sections, path, comment = yaml.safe_load(text), [], [], []
    for line in text.splitlines():
        if line.startswith("## "):
            sections.append((line[3:], []))
            comment = []
        elif line.strip().startswith("# "):
            comment.append(line.strip()[2:])
        elif key := re.match(r"^( *)([A-Za-z_]+):", line):
            path = path[: len(key[1]) // 2] + [key[2]]
            if comment:
                value = values
                for name in path:
                    value = value[name]
                sections[-1][1].append((".".join(path), json.dumps(value), " ".join(comment)))
            comment = []
        else:
            comment = []
    return sections


def readme(write):
    tables = []
    for title, rows in described((CHART / "values.yaml").read_text()):
        lines = [f"### {title}\n", "| value | default | what it is |", "|---|---|---|"]
        lines += [f"| `{name}` | `{default}` | {what} |" for name, default, what in rows]
        tables.append("\n".join(lines) + "\n")
    text = (CHART / "README.md.in").read_text().replace("@VALUES@", "\n".join(tables).rstrip("\n"))
    return settle(CHART / "README.md", text, write)


def rules(tested, shared):
    """The alerts; for their tests, which name every annotation, with nothing but the summary."""
    values = yaml.safe_load(VALUES.read_text())
    values["prometheusRule"]["sharedProjects"] = shared
    spec = yaml.safe_load(rendered(values)["prometheusrule"])["spec"]
    for rule in spec["groups"][0]["rules"] if tested else []:
        rule["annotations"] = {"summary": rule["annotations"]["summary"]}
        rule["labels"] = {"severity": rule["labels"]["severity"]}
    print(yaml.safe_dump(spec, sort_keys=False))
    return True


def known(paths):
    for path in paths:
        documents = [it for it in yaml.safe_load_all(Path(path).read_text()) if it]
        print(yaml.safe_dump_all([it for it in documents if it["kind"] not in FOREIGN], explicit_start=True))
    return True


def main(arguments):
    match arguments:
        case ["rules", *options] if set(options) <= {"--tested", "--shared"}:
            return rules("--tested" in options, "--shared" in options)
        case ["refused"]:
            return refused()
        case ["nothing"]:
            return nothing()
        case ["upgrade"]:
            return upgrade()
        case ["render", directory]:
            return render(Path(directory))
        case ["known", *paths]:
            return known(paths)
        case ["readme" | "manifests" as what, *options] if options in ([], ["--write"]):
            return {"readme": readme, "manifests": manifests}[what](bool(options))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:]) else 1)
