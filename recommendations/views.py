"""The pages of what reports say."""

from django.http import HttpResponse


def page(request, **parts):
    return HttpResponse("")


recommendation_list = recommendation_detail = area_list = area_detail = page
question_list = question_detail = framework_list = framework_detail = page
