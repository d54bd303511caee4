resource "project" "shop" {
  name = "shop"
}

resource "project_role" "viewer" {
  project = project.shop.id
  name    = "viewer"

  permission {
    rule = "list*"
  }

  permission {
    rule  = "*"
    allow = false
  }
}
