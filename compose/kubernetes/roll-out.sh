#!/bin/sh
# Rolls a version out, with no command lost: schema and queues first, as both versions can live with; then who handles
# messages; then who sends them.
#   sh roll-out.sh OVERLAY [NAMESPACE]
set -eu
built=$(mktemp)
trap 'rm -f "$built"' EXIT
kubectl kustomize "${1:?which overlay?}" >"$built"
namespace=${2:-momo}

role=app.kubernetes.io/component
apply() { kubectl apply -f "$built" "$@"; }
rolled() { kubectl -n "$namespace" rollout status deployment -l "$role in ($1)" --timeout=10m; }

# What all need has no role: namespace, settings, secrets, accounts, the way in.
apply -l "!$role"
# A Job can't be changed, only done again.
kubectl -n "$namespace" delete job -l "$role=release" --ignore-not-found
apply -l "$role=release"
kubectl -n "$namespace" wait --for=condition=complete job -l "$role=release" --timeout=10m
apply -l "$role in (worker, relay)"
rolled "worker, relay"
apply -l "$role notin (release)"
rolled "gateway, console"
