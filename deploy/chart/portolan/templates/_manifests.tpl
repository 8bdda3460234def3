{{/*
The objects come from the manifests that `portolan install` and kubectl apply, so that neither can fall behind the other. Here their text is given this release's names:
the namespace, the labels, the accounts, the Secret of the speakers. What values say is put over the parsed objects afterwards.
Arguments: the chart's top, a file. Gives the documents of the file, separated as they were.
*/}}
{{- define "portolan.manifest" -}}
{{- $top := index . 0 -}}{{- $file := index . 1 -}}
{{- $full := include "portolan.fullname" $top -}}
{{- $name := include "portolan.name" $top -}}
{{- $text := $top.Files.Get $file -}}
{{- $both := printf "${1}app.kubernetes.io/name: %q\n${1}app.kubernetes.io/instance: %q" $name $top.Release.Name -}}
{{- $text = regexReplaceAll `(?m)^( *)app: metallb\n *component: (controller|speaker)$` $text (printf "%s\n${1}app.kubernetes.io/component: ${2}" $both) -}}
{{- $text = regexReplaceAll `(?m)^( *)app: metallb$` $text $both -}}
{{- $text = regexReplaceAll `(?m)^( *)app: portolan-proxy$` $text (printf "%s\n${1}app.kubernetes.io/component: proxy" $both) -}}
{{- $text = regexReplaceAll `app=metallb,component=(controller|speaker)` $text (printf "app.kubernetes.io/name=%s,app.kubernetes.io/instance=%s,app.kubernetes.io/component=$1" $name $top.Release.Name) -}}
{{- $text = regexReplaceAll `metallb-system:([a-z-]+)` $text (printf "%s:$1" $full) -}}
{{- $text = regexReplaceAll `(name|namespace): kube-system\b` $text "$1: metallb-system" -}}
{{- regexReplaceAll `\bmetallb-system\b` $text $top.Release.Namespace -}}
{{- end -}}

{{/* Arguments: the chart's top, an object, its component. Gives the object its place, its name and its labels. */}}
{{- define "portolan.own" -}}
{{- $top := index . 0 -}}{{- $object := index . 1 -}}{{- $component := index . 2 -}}
{{- $metadata := $object.metadata -}}
{{- if hasKey $metadata "namespace" }}{{- $_ := set $metadata "namespace" $top.Release.Namespace }}{{- end -}}
{{- if has $metadata.name (list "controller" "speaker") -}}
{{- $_ := set $metadata "name" (printf "%s-%s" (include "portolan.fullname" $top) $metadata.name) -}}
{{- end -}}
{{- $labels := fromYaml (include "portolan.labels" $top) -}}
{{- if $component }}{{- $_ := set $labels "app.kubernetes.io/component" $component }}{{- end -}}
{{- $_ := set $metadata "labels" $labels -}}
{{- end -}}

{{/* Arguments: a list of arguments, a flag, its value. Gives the list, as JSON, with the flag once. */}}
{{- define "portolan.flag" -}}
{{- $flag := index . 1 -}}{{- $kept := list -}}
{{- range index . 0 }}{{- if not (or (eq . $flag) (hasPrefix (printf "%s=" $flag) .)) }}{{- $kept = append $kept . }}{{- end }}{{- end -}}
{{- append $kept (printf "%s=%v" $flag (index . 2)) | toJson -}}
{{- end -}}
