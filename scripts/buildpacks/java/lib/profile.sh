# shellcheck shell=bash
# The JVM sees the machine's memory, not the instance's: tell it.
export PATH="${JAVA_HOME:+$JAVA_HOME/bin:}$PATH"
case ${MEMORY_LIMIT:-} in
*[0-9]m)
    paas_heap=$((${MEMORY_LIMIT%m} * 6 / 10))
    paas_java="-Xmx${paas_heap}m -Xss512k"
    [ "${MEMORY_LIMIT%m}" -gt 1024 ] || paas_java="$paas_java -XX:+UseSerialGC"
    # The app's own come later, and count.
    export JAVA_TOOL_OPTIONS="$paas_java${JAVA_TOOL_OPTIONS:+ $JAVA_TOOL_OPTIONS}"
    unset paas_heap paas_java
    ;;
esac
