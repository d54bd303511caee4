resource "watch_team" "night" {
  name = "night"
  member {
    mail = "a@example.com"
  }
  member {
    mail  = "b@example.com"
    level = 3
  }
}
