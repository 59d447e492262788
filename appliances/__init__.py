"""What a team publishes: appliances, their releases, and the catalog that shows them."""
