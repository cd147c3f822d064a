{{/* Names and selectors are those of the Go program's chart: selectors cannot be changed in an upgrade. */}}
{{- define "aivenator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "aivenator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "aivenator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "aivenator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "aivenator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "aivenator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The user that the program is for the API server. */}}
{{- define "aivenator.user" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "aivenator.fullname" . }}
{{- end }}

{{- define "aivenator.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* Aiven projects whose Kafka may be asked for, as a list. */}}
{{- define "aivenator.projects" -}}
{{- $projects := list }}
{{- range regexSplit "[,\\s]+" (.Values.aiven.projects | default "") -1 }}
{{- if . }}{{ $projects = append $projects . }}{{ end }}
{{- end }}
{{- $projects | uniq | toJson }}
{{- end }}

{{/* The Secret with the token, and its key. */}}
{{- define "aivenator.tokenSecret" -}}
{{- if .Values.aiven.existingSecret.name }}
{{- .Values.aiven.existingSecret.name }}
{{- else if .Values.aiven.token }}
{{- include "aivenator.fullname" . }}
{{- else }}
{{- fail "aiven.token or aiven.existingSecret.name is needed: the token of an Aiven user" }}
{{- end }}
{{- end }}

{{- define "aivenator.tokenKey" -}}
{{- if .Values.aiven.existingSecret.name }}{{ .Values.aiven.existingSecret.key }}{{ else }}AIVENATOR_AIVEN_TOKEN{{ end }}
{{- end }}

{{/* Variables of the environment; what extraEnv says wins. */}}
{{- define "aivenator.environment" -}}
{{- $env := dict
  "AIVENATOR_AIVEN_TOKEN_FILE" "/var/run/secrets/aivenator/token"
  "AIVENATOR_LOG_FORMAT" .Values.logFormat
  "AIVENATOR_LOG_LEVEL" .Values.logLevel
  "AIVENATOR_METRICS_ADDRESS" ":8080"
  "AIVENATOR_LEADER_ELECT" (toString .Values.leaderElection)
  "AIVENATOR_PROJECTS" .Values.aiven.projects
  "AIVENATOR_MAIN_PROJECT" .Values.aiven.mainProject
  "AIVENATOR_AIVEN_URL" .Values.aiven.url
  "AIVENATOR_WATCH_NAMESPACE" (join "," .Values.watchNamespaces)
  "NAIS_CLUSTER_NAME" .Values.clusterName
}}
{{- range $name, $value := .Values.extraEnv | default dict }}
{{- $_ := set $env $name (toString $value) }}
{{- end }}
{{- range $name, $value := $env }}
{{- if not $value }}{{ $_ := unset $env $name }}{{ end }}
{{- end }}
{{- $env | toJson }}
{{- end }}

{{/* Ports to the outside: those that are set, and those of proxies and of another address of Aiven. */}}
{{- define "aivenator.egressPorts" -}}
{{- $ports := list }}
{{- range .Values.networkPolicy.egressPorts }}
{{- $ports = append $ports (int .) }}
{{- end }}
{{- $env := .Values.extraEnv | default dict }}
{{- $urls := list (.Values.aiven.url | default "") }}
{{- range $name := list "HTTPS_PROXY" "https_proxy" "HTTP_PROXY" "http_proxy" "AIVEN_WEB_URL" "AIVENATOR_AIVEN_URL" }}
{{- $urls = append $urls (get $env $name | default "" | toString) }}
{{- end }}
{{- range $urls }}
{{- $found := regexFind ":[0-9]+(/.*)?$" . }}
{{- if $found }}
{{- $ports = append $ports (regexFind "[0-9]+" $found | int) }}
{{- else if hasPrefix "http://" . }}
{{- $ports = append $ports 80 }}
{{- end }}
{{- end }}
{{- $ports | uniq | toJson }}
{{- end }}

{{/* Whether alerts are made; nothing if not. */}}
{{- define "aivenator.hasRules" -}}
{{- if eq (toString .Values.prometheusRule.enabled) "auto" }}
{{- if .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" }}yes{{ end }}
{{- else if eq (toString .Values.prometheusRule.enabled) "true" }}yes{{ end }}
{{- end }}

{{/* What is needed wherever applications are. */}}
{{- define "aivenator.rules" -}}
- apiGroups: [aiven.nais.io]
  resources: [aivenapplications]
  verbs: [get, list, watch, delete]
- apiGroups: [aiven.nais.io]
  resources: [aivenapplications/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [apps]
  resources: [replicasets, deployments, statefulsets, daemonsets]
  verbs: [list, watch]
- apiGroups: [batch]
  resources: [jobs, cronjobs]
  verbs: [list, watch]
- apiGroups: [aiven.io]
  resources: [opensearches, valkeys]
  verbs: [list, watch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}
