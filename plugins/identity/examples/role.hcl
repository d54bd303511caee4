resource "role" "operator" {
  name = "network operator"

  permission {
    rule = "list*"
  }
  permission {
    rule  = "deleteNetwork"
    allow = false
  }
  permission {
    rule        = "*Network"
    description = "make and change networks"
  }
}
