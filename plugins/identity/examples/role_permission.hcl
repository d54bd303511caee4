resource "role" "operator" {
  name = "network operator"
}

resource "role_permission" "list" {
  role = role.operator.id
  rule = "listNetworks"
}
