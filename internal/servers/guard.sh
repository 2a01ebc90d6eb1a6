# Makes the folder $1 and runs the commands that it reads there. When there is nobody left who
# could write one, however the test binary ended, it ends the server that they left running as
# $pid, with the signal $2 for as long as that may help, and removes the folder.
trap : PIPE # nobody may be left to read an answer, either
ulimit -c 0
mkdir -m 700 "$1" 2>&1 && cd "$1" && echo || exit 0
pid=
while read -r command; do
	eval "$command"
done
cd /
if [ -n "$pid" ]; then
	tries=100
	while kill -"$2" "$pid" && [ $((tries -= 1)) -gt 0 ]; do sleep 0.05; done
	kill -KILL "$pid"
fi
tries=600 # its children may still write while they end, on a busy machine for long
until rm -rf "$1" || [ $((tries -= 1)) = 0 ]; do sleep 0.05; done
