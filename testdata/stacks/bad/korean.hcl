resource "network" "웹" {
  name = "한국어"
  name = "둘"
}
