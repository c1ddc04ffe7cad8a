"""The two-hop model of United States cities: Dallas is in Texas, whose capital is Austin."""
