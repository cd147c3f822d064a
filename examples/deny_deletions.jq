# Denies a plan that deletes a Secret: prints the reason for each.
if (.format_version | startswith("1.")) then . else error("this filter knows plans of version 1") end
| .decisions[]
| select(any(.actions[]; .action == "delete_secret"))
| "denied: \(.subject.kind) \(.subject.namespace)/\(.subject.name): \(.reason.message)"
