"""The pages of who published what."""

from django.http import HttpResponse


def page(request, **parts):
    return HttpResponse("")


report_list = report_detail = author_list = author_detail = institution_list = institution_detail = work_list = page
