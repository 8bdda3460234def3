{{/*
Puts the values that controller and speaker have in common over the manifest's object.
Arguments: the chart's top, the role, the object.
*/}}
{{- define "portolan.workload" -}}
{{- $top := index . 0 -}}{{- $role := index . 1 -}}{{- $object := index . 2 -}}
{{- $values := index $top.Values $role -}}
{{- include "portolan.own" (list $top $object $role) -}}
{{- $template := $object.spec.template -}}
{{- $pod := $template.spec -}}
{{- $container := index $pod.containers 0 -}}

{{- $_ := set $template.metadata "labels" (merge dict $template.metadata.labels (default dict $values.labels)) -}}
{{- $annotations := default dict $template.metadata.annotations -}}
{{- if not $top.Values.prometheus.scrapeAnnotations -}}
{{- range list "prometheus.io/scrape" "prometheus.io/port" "prometheus.io/scheme" "prometheus.io/path" }}{{- $annotations = omit $annotations . }}{{- end -}}
{{- end -}}
{{- if and $top.Values.prometheus.metricsPort (ne (include "portolan.secure" (list $top $role)) "true") (hasKey $annotations "prometheus.io/port") }}{{- $_ := set $annotations "prometheus.io/port" (toString $top.Values.prometheus.metricsPort) }}{{- end -}}
{{- $annotations = merge dict (default dict $values.podAnnotations) $annotations -}}
{{- if $annotations }}{{- $_ := set $template.metadata "annotations" $annotations }}{{- else }}{{- $_ := unset $template.metadata "annotations" }}{{- end -}}

{{- $_ := set $pod "serviceAccountName" (include "portolan.serviceAccount" (list $top $role)) -}}
{{- with $top.Values.imagePullSecrets }}{{- $_ := set $pod "imagePullSecrets" . }}{{- end -}}
{{- with $values.nodeSelector }}{{- $_ := set $pod "nodeSelector" (merge dict . $pod.nodeSelector) }}{{- end -}}
{{- with $values.tolerations }}{{- $_ := set $pod "tolerations" (concat (default list $pod.tolerations) .) }}{{- end -}}
{{- with $values.affinity }}{{- $_ := set $pod "affinity" . }}{{- end -}}
{{- with $values.priorityClassName }}{{- $_ := set $pod "priorityClassName" . }}{{- end -}}
{{- with $values.runtimeClassName }}{{- $_ := set $pod "runtimeClassName" . }}{{- end -}}
{{- with $values.securityContext }}{{- $_ := set $pod "securityContext" (merge dict . (default dict $pod.securityContext)) }}{{- end -}}

{{- $_ := set $container "image" (include "portolan.image" (list $top $role)) -}}
{{- with $values.image.pullPolicy }}{{- $_ := set $container "imagePullPolicy" . }}{{- end -}}
{{- with $values.resources }}{{- $_ := set $container "resources" . }}{{- end -}}
{{- with $values.command }}{{- if not (has . (list "/controller" "/speaker")) }}{{- $_ := set $container "command" (list .) }}{{- end }}{{- end -}}
{{- with $values.logLevel }}{{- $_ := set $container "args" (fromJsonArray (include "portolan.flag" (list $container.args "--log-level" .))) }}{{- end -}}
{{- with $top.Values.loadBalancerClass }}{{- $_ := set $container "args" (fromJsonArray (include "portolan.flag" (list $container.args "--lb-class" .))) }}{{- end -}}

{{- include "portolan.metrics" (list $top $role $container) -}}

{{- with $values.startupProbe }}{{- if .enabled }}{{- $_ := set $container "startupProbe" (merge (omit . "enabled") (pick $container.livenessProbe "httpGet")) }}{{- end }}{{- end -}}
{{- range list "livenessProbe" "readinessProbe" -}}
{{- $probe := default dict (index $values .) -}}
{{- if and (hasKey $probe "enabled") (not $probe.enabled) }}{{- $_ := unset $container . -}}
{{- else }}{{- $_ := set $container . (merge dict (omit $probe "enabled") (index $container .)) }}{{- end -}}
{{- end -}}

{{- include "portolan.tls" (list $top $role $pod $container) -}}
{{- with $values.extraContainers }}{{- $_ := set $pod "containers" (concat $pod.containers .) }}{{- end -}}
{{- end -}}

{{/*
Whether prometheus.metricsPort is the port of the metrics over TLS: in MetalLB's chart it was of plain ones (7472) up to 0.15, and is of TLS (9120) since.
Arguments: the chart's top, the role.
*/}}
{{- define "portolan.secure" -}}
{{- $values := (index . 0).Values -}}
{{- or (eq (toString $values.prometheus.metricsPort) "9120") (ne (default "" (index $values.tls (printf "%sMetricsTLSSecret" (index . 1)))) "") -}}
{{- end -}}

{{/* Arguments: the chart's top, the role, the container. */}}
{{- define "portolan.metrics" -}}
{{- $top := index . 0 -}}{{- $role := index . 1 -}}{{- $container := index . 2 -}}
{{- if eq (include "portolan.secure" (list $top $role)) "true" -}}
{{- $port := int (default 9120 $top.Values.prometheus.metricsPort) -}}
{{- $_ := set $container "args" (fromJsonArray (include "portolan.flag" (list $container.args "--secure-port" $port))) -}}
{{- $others := list -}}
{{- range $container.ports }}{{- if ne .name "metricshttps" }}{{- $others = append $others . }}{{- end }}{{- end -}}
{{- $_ := set $container "ports" (append $others (dict "name" "metricshttps" "containerPort" $port)) -}}
{{- else if $top.Values.prometheus.metricsPort -}}
{{- $port := int $top.Values.prometheus.metricsPort -}}
{{- $before := "" -}}
{{- range $container.ports }}{{- if eq .name "monitoring" }}{{- $before = toString .containerPort }}{{- $_ := set . "containerPort" $port }}{{- end }}{{- end -}}
{{- $_ := set $container "args" (fromJsonArray (include "portolan.flag" (list $container.args "--port" $port))) -}}
{{- range list "livenessProbe" "readinessProbe" }}{{- with (index $container .) }}{{- if eq (toString .httpGet.port) $before }}{{- $_ := set .httpGet "port" $port }}{{- end }}{{- end }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* Arguments: the chart's top, the role, the pod, the container. */}}
{{- define "portolan.tls" -}}
{{- $tls := (index . 0).Values.tls -}}{{- $role := index . 1 -}}{{- $pod := index . 2 -}}{{- $container := index . 3 -}}
{{- $flags := dict "--tls-cipher-suites" $tls.cipherSuites "--tls-curve-preferences" $tls.curvePreferences "--tls-min-version" $tls.minVersion -}}
{{- range $flag := keys $flags | sortAlpha }}{{- with index $flags $flag }}{{- $_ := set $container "args" (fromJsonArray (include "portolan.flag" (list $container.args $flag .))) }}{{- end }}{{- end -}}
{{- with index $tls (printf "%sMetricsTLSSecret" $role) -}}
{{- $_ := set $container "args" (fromJsonArray (include "portolan.flag" (list $container.args "--metrics-cert-dir" "/metrics-certs"))) -}}
{{- $_ := set $container "volumeMounts" (append (default list $container.volumeMounts) (dict "name" "metrics-certs" "mountPath" "/metrics-certs" "readOnly" true)) -}}
{{- $_ := set $pod "volumes" (append (default list $pod.volumes) (dict "name" "metrics-certs" "secret" (dict "secretName" .))) -}}
{{- end -}}
{{- end -}}
