read -r port
exec socat STDIO "TCP4:127.0.0.1:$port"
