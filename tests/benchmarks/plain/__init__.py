"""The plain way to put the same rows on the web, as a competent developer would in an afternoon, to measure beside.

Model serializers with nested objects, django-filter over joins with DISTINCT, pages by number with their COUNT,
`icontains`, facets by GROUP BY. All that Django's own advice asks for is done: `select_related` and `prefetch_related`,
indexes where the models have them, connections that stay open, DEBUG off. It does less than the portal in places, never
more: its facets count under all filters, its search looks in the summaries alone, and pages are in one language.
"""
