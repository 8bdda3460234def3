{{/* The name that MetalLB's chart gives its objects, so that `helm upgrade` of a MetalLB release changes them in place. */}}
{{- define "portolan.name" -}}
{{- default "metallb" .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "portolan.fullname" -}}
{{- $name := include "portolan.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if or (contains $name .Release.Name) (contains .Chart.Name .Release.Name) -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What a selector may say: it can never be changed, so these are MetalLB's chart's, and stay. */}}
{{- define "portolan.selector" -}}
app.kubernetes.io/name: {{ include "portolan.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "portolan.labels" -}}
{{ include "portolan.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- end -}}

{{- define "portolan.memberlistSecret" -}}
{{- default (printf "%s-memberlist" (include "portolan.fullname" .)) .Values.speaker.secretName -}}
{{- end -}}

{{/* Arguments: the chart's top, the role. */}}
{{- define "portolan.serviceAccount" -}}
{{- $top := index . 0 -}}{{- $role := index . 1 -}}
{{- $account := (index $top.Values $role).serviceAccount -}}
{{- default (ternary (printf "%s-%s" (include "portolan.fullname" $top) $role) "default" $account.create) $account.name -}}
{{- end -}}

{{/* Arguments: the chart's top, the role. */}}
{{- define "portolan.image" -}}
{{- $top := index . 0 -}}{{- $role := index . 1 -}}
{{- $image := (index $top.Values $role).image -}}
{{- if $image.tag }}{{ printf "%s:%s" $image.repository $image.tag }}{{ else }}{{ $image.repository }}{{ end -}}
{{- end -}}
