"""Holds docs/deploy/kubernetes to the fields of tests/ranks/kubernetes.schema.json, and its objects
to each other.
    recipes.py FOLDER            prints what is wrong, and exits with 1
    recipes.py FOLDER --args     the arguments of the containers that run our tools, one JSON array
                                 per line"""
import glob
import json
import os
import sys

import jsonschema
import yaml

folder = sys.argv[1]
schema = json.load(
    open(os.path.join(os.path.dirname(__file__), "kubernetes.schema.json"), encoding="utf-8"))
validator = jsonschema.Draft7Validator(schema)
faults = []


def pods(o):
    """The templates of an object, each with a name for messages."""
    if o["kind"] == "Deployment":
        yield "template", o["spec"]["template"]
    elif o["kind"] == "MPIJob":
        for role, replica in o["spec"]["mpiReplicaSpecs"].items():
            yield role, replica["template"]


def check_pod(where, pod, claims):
    volumes = {v["name"] for v in pod.get("volumes", [])}
    for v in pod.get("volumes", []):
        claim = v.get("persistentVolumeClaim", {}).get("claimName")
        if claim and claim not in claims:
            faults.append(f"{where}: no claim is called {claim}")
    for c in pod["containers"]:
        names = {p.get("name")
                 for p in c.get("ports", [])} | {p["containerPort"]
                                                 for p in c.get("ports", [])}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            if probe in c and c[probe]["httpGet"]["port"] not in names:
                faults.append(f"{where}: {probe} asks a port that {c['name']} does not have")
        mounted = {m["name"] for m in c.get("volumeMounts", [])}
        for name in mounted - volumes:
            faults.append(f"{where}: no volume is called {name}")
        for name in volumes - mounted:
            faults.append(f"{where}: volume {name} is mounted nowhere")
        requests, limits = (c["resources"].get(k, {}) for k in ("requests", "limits"))
        if "memory" not in requests or "memory" not in limits:
            faults.append(f"{where}: {c['name']} has no memory request and limit")


def selects(labels, template):
    own = template.get("metadata", {}).get("labels", {})
    return all(own.get(k) == v for k, v in labels.items())


def check_together(objects):
    deployments = [o for o in objects if o["kind"] == "Deployment"]
    claims = {o["metadata"]["name"] for o in objects if o["kind"] == "PersistentVolumeClaim"}
    for o in objects:
        spec, name = o["spec"], f"{o['kind']} {o['metadata']['name']}"
        for role, template in pods(o):
            check_pod(f"{name} {role}", template["spec"], claims)
        if o["kind"] == "Deployment" and not selects(spec["selector"]["matchLabels"],
                                                     spec["template"]):
            faults.append(f"{name} does not select its own pods")
        if o["kind"] == "Service":
            ports = {
                p.get("name")
                for d in deployments if selects(spec["selector"], d["spec"]["template"])
                for c in d["spec"]["template"]["spec"]["containers"]
                for p in c.get("ports", [])
            }
            for p in spec["ports"]:
                if p.get("targetPort") not in ports:
                    faults.append(f"{name}: no pod that it selects has port {p.get('targetPort')}")
        if o["kind"] == "HorizontalPodAutoscaler":
            target = [
                d for d in deployments if d["metadata"]["name"] == spec["scaleTargetRef"]["name"]
            ]
            if len(target) != 1:
                faults.append(f"{name} scales nothing")
            elif "replicas" in target[0]["spec"]:
                faults.append(
                    f"{name}: the deployment's own number of replicas undoes it at each apply")
            elif any("cpu" not in c["resources"].get("requests", {})
                     for c in target[0]["spec"]["template"]["spec"]["containers"]):
                faults.append(f"{name} needs a CPU request to compare with")
            if spec.get("minReplicas", 1) > spec["maxReplicas"]:
                faults.append(f"{name}: more replicas at least than at most")
        if o["kind"] == "MPIJob":
            args = spec["mpiReplicaSpecs"]["Launcher"]["template"]["spec"]["containers"][0]["args"]
            ranks = int(args[args.index("-n") + 1])
            if ranks != spec["slotsPerWorker"] * spec["mpiReplicaSpecs"]["Worker"]["replicas"]:
                faults.append(f"{name}: {ranks} ranks do not fill the workers' slots")


def main():
    for path in sorted(glob.glob(folder + "/*.yaml")):
        with open(path, encoding="utf-8") as stream:
            objects = list(yaml.safe_load_all(stream))
        wrong = [f"{path}: {'/'.join(map(str, e.absolute_path))}: {e.message}" for o in objects
                 for error in validator.iter_errors(o)
                 for e in [jsonschema.exceptions.best_match([error]) or error]]
        faults.extend(wrong)
        if not wrong:
            check_together(objects)
        if len(sys.argv) > 2:
            for o in objects:
                for _, template in pods(o):
                    print(json.dumps(template["spec"]["containers"][0].get("args", [])))
    for fault in faults:
        print(fault)
    return 1 if faults else 0


sys.exit(main())
