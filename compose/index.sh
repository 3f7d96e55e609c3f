# Sourced: where packages come from, for uv, as pip has been told.

# pip's own configuration (mirror, certificates), which uv does not read.
pip_setting() {
    .venv/bin/python -m pip config list 2>/dev/null | sed -n "s/^[^=]*\.$1='\(.*\)'\$/\1/p" | sed 's/\\n/ /g' | head -n 1
}

follow_pip_configuration() {
    index=${PIP_INDEX_URL:-$(pip_setting index-url)}
    extra=${PIP_EXTRA_INDEX_URL:-$(pip_setting extra-index-url)}
    links=${PIP_FIND_LINKS:-$(pip_setting find-links)}
    cert=${PIP_CERT:-$(pip_setting cert)}
    if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ] && [ -n "$index" ]; then export UV_DEFAULT_INDEX="$index"; fi
    if [ -z "${UV_INDEX:-}${UV_EXTRA_INDEX_URL:-}" ] && [ -n "$extra" ]; then
        # As pip does: any index may have the version. The hashes decide what is accepted.
        export UV_INDEX="$extra" UV_INDEX_STRATEGY="${UV_INDEX_STRATEGY:-unsafe-best-match}"
    fi
    if [ -z "${UV_FIND_LINKS:-}" ] && [ -n "$links" ]; then
        UV_FIND_LINKS=$(echo "$links" | tr ' ' ',')
        export UV_FIND_LINKS
    fi
    if [ -z "${SSL_CERT_FILE:-}" ] && [ -n "$cert" ]; then export SSL_CERT_FILE="$cert"; fi
}

